// A test is a function: TEST(gelu_ragged) { ... EXPECT_CLOSE(got, want, n, 1e-6, 1e-5); }
#pragma once

#include <cstdint>
#include <cstdio>
#include <vector>

namespace weft::testing {

using TestFunction = void (*)();
struct Test {
  const char* name;
  const char* file;
  TestFunction run;
  Test* next;
  static Test*& first();
  Test(const char* name, const char* file, TestFunction run) : name(name), file(file), run(run), next(first()) {
    first() = this;
  }
};

void fail(const char* file, int line, const char* format, ...);

// |got - want| <= absolute + relative * |want|; NaN equals NaN and infinities must match.
void expect_close(const char* file, int line, const float* got, const float* want, int64_t n, double absolute,
                  double relative);
void expect_close(const char* file, int line, const float* got, const double* want, int64_t n, double absolute,
                  double relative);

// The same numbers on every machine.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  // In [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * (1.0 / 9007199254740992.0); }
  int64_t below(int64_t n) { return static_cast<int64_t>(next() % static_cast<uint64_t>(n)); }
  // In [-scale, scale).
  std::vector<float> floats(int64_t n, double scale = 1.0) {
    std::vector<float> result(static_cast<size_t>(n));
    for (float& x : result) x = static_cast<float>((uniform() * 2 - 1) * scale);
    return result;
  }

 private:
  uint64_t state_;
};

}  // namespace weft::testing

#define TEST(name)                                                                          \
  static void test_##name();                                                                \
  static ::weft::testing::Test registered_##name{#name, __FILE__, &test_##name};            \
  static void test_##name()
#define EXPECT(condition) \
  do { if (!(condition)) ::weft::testing::fail(__FILE__, __LINE__, "expected %s", #condition); } while (0)
#define EXPECT_CLOSE(got, want, n, absolute, relative) \
  ::weft::testing::expect_close(__FILE__, __LINE__, got, want, n, absolute, relative)
