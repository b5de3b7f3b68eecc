// One small vector type, `Vec` (float) and `VecI` (int32) of kLanes lanes, that a kernel is written with once. The
// build compiles each kernels/*.cc once per instruction set with WEFT_ISA set to its name; everything a kernel defines
// stands in namespace weft::WEFT_ISA, so that code for one machine never runs on another. Inside kernels: no
// standard containers and no inline functions of the standard library that might be shared between the objects
// (the build's test looks for such symbols).
//
//   #include "../runtime/simd.h"
//   namespace weft::WEFT_ISA {
//   void scale(const float* x, float a, float* y, int64_t n) {
//     parallel_for(n, 16384, [=](int64_t begin, int64_t end) {
//       int64_t i = begin;
//       for (; i + kLanes <= end; i += kLanes) store(y + i, load(x + i) * set1(a));
//       if (i < end) store_n(y + i, load_n(x + i, end - i) * set1(a), end - i);
//     });
//   }
//   }
//
// max(a, b) and min(a, b) give b where either is NaN, as x86 has it. fma(a, b, c) = a * b + c and
// fnma(a, b, c) = c - a * b, rounded once except on `portable`. Masks come from the comparisons; select(m, a, b) is a
// where m holds, else b.
#pragma once

#include <cstdint>

#include "cpu.h"
#include "parallel.h"

#define WEFT_INLINE [[maybe_unused]] static inline __attribute__((always_inline))

#ifndef WEFT_ISA
#error "simd.h is for kernels, which the build compiles with WEFT_ISA set"
#endif

#if defined(WEFT_ISA_AVX512)
#include "simd-avx512.h"
#elif defined(WEFT_ISA_AVX2)
#include "simd-avx2.h"
#elif defined(WEFT_ISA_NEON)
#include "simd-neon.h"
#else
#include "simd-portable.h"
#endif

namespace weft::WEFT_ISA {

WEFT_INLINE Vec& operator+=(Vec& a, Vec b) { return a = a + b; }
WEFT_INLINE Vec& operator-=(Vec& a, Vec b) { return a = a - b; }
WEFT_INLINE Vec& operator*=(Vec& a, Vec b) { return a = a * b; }
WEFT_INLINE Vec zero() { return set1(0.0f); }
WEFT_INLINE VecI zero_i() { return set1_i(0); }

}  // namespace weft::WEFT_ISA
