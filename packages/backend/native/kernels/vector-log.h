// The natural logarithm on vectors: one unit of the last place. Zero gives -infinity, less than zero NaN.
#pragma once

#include "../runtime/simd-math.h"

namespace weft::WEFT_ISA {

WEFT_INLINE Vec log(Vec x) {
  // Subnormal numbers first become normal ones.
  const Mask tiny = lt(x, set1(1.17549435e-38f));
  const Vec scaled = select(tiny, x * set1(8388608.0f), x);
  const VecI word = as_int(scaled);
  // scaled = m * 2^e with m in [sqrt(1/2), sqrt(2)).
  const VecI e = sar<23>(word - set1_i(0x3f3504f3));
  const Vec m = as_float(word - shl<23>(e));
  const Vec exponent = to_float(e) - select(tiny, set1(23.0f), zero());
  const Vec f = m - set1(1.0f), z = f * f;
  Vec p = set1(7.0376836292e-2f);
  p = fma(p, f, set1(-1.1514610310e-1f));
  p = fma(p, f, set1(1.1676998740e-1f));
  p = fma(p, f, set1(-1.2420140846e-1f));
  p = fma(p, f, set1(1.4249322787e-1f));
  p = fma(p, f, set1(-1.6668057665e-1f));
  p = fma(p, f, set1(2.0000714765e-1f));
  p = fma(p, f, set1(-2.4999993993e-1f));
  p = fma(p, f, set1(3.3333331174e-1f));
  Vec y = p * f * z;
  y = fma(exponent, set1(-2.12194440e-4f), y);
  y = fnma(set1(0.5f), z, y);
  y = (f + y) + exponent * set1(0.693359375f);
  const Vec infinity = set1(__builtin_inff());
  y = select(eq(x, infinity), infinity, y);
  y = select(eq(x, zero()), neg(infinity), y);
  return select(lt(x, zero()) | is_nan(x), set1(__builtin_nanf("")), y);
}

}  // namespace weft::WEFT_ISA
