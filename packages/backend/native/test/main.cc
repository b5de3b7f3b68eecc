#include "testing.h"

#include <cmath>
#include <cstdarg>
#include <cstdlib>
#include <cstring>

#include "../runtime/cpu.h"
#include "../runtime/parallel.h"

namespace weft::testing {
namespace {
int failures = 0;

template <class T>
void compare(const char* file, int line, const float* got, const T* want, int64_t n, double absolute, double relative) {
  for (int64_t i = 0; i < n; ++i) {
    const double g = got[i], w = want[i];
    const bool same = std::isnan(w) ? std::isnan(g) : std::isinf(w) ? g == w : std::fabs(g - w) <= absolute + relative * std::fabs(w);
    if (same) continue;
    fail(file, line, "element %lld of %lld: got %.9g, expected %.9g", static_cast<long long>(i), static_cast<long long>(n), g, w);
    return;
  }
}
}  // namespace

Test*& Test::first() {
  static Test* head = nullptr;
  return head;
}

void fail(const char* file, int line, const char* format, ...) {
  ++failures;
  std::printf("%s:%d: ", file, line);
  va_list arguments;
  va_start(arguments, format);
  std::vprintf(format, arguments);
  va_end(arguments);
  std::printf("\n");
}

void expect_close(const char* file, int line, const float* got, const float* want, int64_t n, double absolute, double relative) {
  compare(file, line, got, want, n, absolute, relative);
}
void expect_close(const char* file, int line, const float* got, const double* want, int64_t n, double absolute, double relative) {
  compare(file, line, got, want, n, absolute, relative);
}

}  // namespace weft::testing

int main(int argc, char** argv) {
  using namespace weft;
  using namespace weft::testing;
  Isa wanted;
  const char* name = std::getenv("WEFT_CPU");
  if (name != nullptr && isa_from_name(name, &wanted) && !isa_supported(wanted)) {
    std::printf("%s: skipped, this machine lacks it\n", name);
    return 0;
  }
  int ran = 0;
  for (Test* test = Test::first(); test != nullptr; test = test->next) {
    bool chosen = argc == 1;
    for (int i = 1; i < argc; ++i) chosen = chosen || std::strstr(test->file, argv[i]) || std::strstr(test->name, argv[i]);
    if (!chosen) continue;
    const int before = failures;
    test->run();
    if (failures != before) std::printf("  in %s\n", test->name);
    ++ran;
  }
  std::printf("%s, %d threads: %d tests, %d failures\n", isa_name(isa()), num_threads(), ran, failures);
  return failures == 0 ? 0 : 1;
}
