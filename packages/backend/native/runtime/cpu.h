// Which instruction set the kernels of this process use. Chosen once, when the first kernel asks.
#pragma once

#if defined(__x86_64__) || defined(_M_X64)
#define WEFT_X86 1
#elif defined(__aarch64__) || defined(_M_ARM64)
#define WEFT_ARM64 1
#endif

namespace weft {

enum class Isa { portable = 0, avx2 = 1, avx512 = 2, neon = 3 };

// The level in use: the best that this machine has, or what WEFT_CPU asks for.
Isa isa();
// Uses another level from now on. False, and nothing changes, where the machine lacks it.
bool set_isa(Isa level);
bool isa_supported(Isa level);
const char* isa_name(Isa level);
// False for a name that is not one of the four.
bool isa_from_name(const char* name, Isa* level);

}  // namespace weft

// Declares one kernel in the namespace of every instruction set this build holds, and a function of the same name
// in `weft` that calls the one in use. Inside a kernel's own file an unqualified call stays within its instruction set.
//
//   WEFT_KERNEL(void, gelu, (const float* x, float* y, int64_t n), (x, y, n))
#if defined(WEFT_X86)
#define WEFT_KERNEL(ret, name, params, args)                    \
  namespace portable { ret name params; }                       \
  namespace avx2 { ret name params; }                           \
  namespace avx512 { ret name params; }                         \
  [[maybe_unused]] static inline ret name params {              \
    switch (isa()) {                                            \
      case Isa::avx512: return avx512::name args;               \
      case Isa::avx2: return avx2::name args;                   \
      default: return portable::name args;                      \
    }                                                           \
  }
#elif defined(WEFT_ARM64)
#define WEFT_KERNEL(ret, name, params, args)                    \
  namespace portable { ret name params; }                       \
  namespace neon { ret name params; }                           \
  [[maybe_unused]] static inline ret name params {              \
    if (isa() == Isa::neon) return neon::name args;             \
    return portable::name args;                                 \
  }
#else
#define WEFT_KERNEL(ret, name, params, args)                    \
  namespace portable { ret name params; }                       \
  [[maybe_unused]] static inline ret name params { return portable::name args; }
#endif
