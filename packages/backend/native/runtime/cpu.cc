#include "cpu.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace weft {
namespace {

const char* const kNames[] = {"portable", "avx2", "avx512", "neon"};

Isa detect() {
#if defined(WEFT_X86)
  if (isa_supported(Isa::avx512)) return Isa::avx512;
  if (isa_supported(Isa::avx2)) return Isa::avx2;
#elif defined(WEFT_ARM64)
  return Isa::neon;
#endif
  return Isa::portable;
}

// An unknown or unsupported WEFT_CPU is reported by the loader; here it counts as not set.
Isa choose() {
  const char* wanted = std::getenv("WEFT_CPU");
  Isa level;
  if (wanted != nullptr && isa_from_name(wanted, &level) && isa_supported(level)) return level;
  return detect();
}

std::atomic<int>& current() {
  static std::atomic<int> level{static_cast<int>(choose())};
  return level;
}

}  // namespace

Isa isa() { return static_cast<Isa>(current().load(std::memory_order_relaxed)); }

bool isa_supported(Isa level) {
  switch (level) {
    case Isa::portable:
      return true;
#if defined(WEFT_X86)
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512vnni");
#elif defined(WEFT_ARM64)
    case Isa::neon:
      return true;
#endif
    default:
      return false;
  }
}

bool set_isa(Isa level) {
  if (!isa_supported(level)) return false;
  current().store(static_cast<int>(level), std::memory_order_relaxed);
  return true;
}

const char* isa_name(Isa level) { return kNames[static_cast<int>(level)]; }

bool isa_from_name(const char* name, Isa* level) {
  for (int i = 0; i < 4; ++i) {
    if (std::strcmp(name, kNames[i]) == 0) {
      *level = static_cast<Isa>(i);
      return true;
    }
  }
  return false;
}

}  // namespace weft
