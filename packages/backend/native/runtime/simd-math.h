// Elementary functions on vectors, within a few units of the last place of float32. Infinities and NaN are carried.
#pragma once

#include "simd.h"

namespace weft::WEFT_ISA {

// 2^n for whole n in [-126, 127].
WEFT_INLINE Vec power_of_two(Vec n) { return as_float(shl<23>(to_int(n) + set1_i(127))); }

WEFT_INLINE Vec exp(Vec x) {
  x = min(set1(89.0f), x);  // the constant first: where x is NaN, x comes out
  x = max(set1(-104.0f), x);
  const Vec n = round(x * set1(1.44269504088896341f));
  Vec r = fnma(n, set1(0.693359375f), x);
  r = fnma(n, set1(-2.12194440e-4f), r);
  Vec y = set1(1.9875691500e-4f);
  y = fma(y, r, set1(1.3981999507e-3f));
  y = fma(y, r, set1(8.3334519073e-3f));
  y = fma(y, r, set1(4.1665795894e-2f));
  y = fma(y, r, set1(1.6666665459e-1f));
  y = fma(y, r, set1(5.0000001201e-1f));
  y = fma(y, r * r, r + set1(1.0f));
  // In two steps, so that the ends of the range (infinity, subnormal numbers) come out right.
  const Vec half = floor(n * set1(0.5f));
  return y * power_of_two(half) * power_of_two(n - half);
}

WEFT_INLINE Vec sigmoid(Vec x) { return set1(1.0f) / (set1(1.0f) + exp(neg(x))); }

WEFT_INLINE Vec tanh(Vec x) {
  const Vec magnitude = abs(x), square = x * x;
  Vec p = set1(-5.70498872745e-3f);
  p = fma(p, square, set1(2.06390887954e-2f));
  p = fma(p, square, set1(-5.37397155531e-2f));
  p = fma(p, square, set1(1.33314422036e-1f));
  p = fma(p, square, set1(-3.33332819422e-1f));
  const Vec small = fma(p * square, x, x);
  const Vec large = set1(1.0f) - set1(2.0f) / (exp(magnitude + magnitude) + set1(1.0f));
  const Vec sign = as_float(as_int(x) & set1_i(INT32_MIN));
  return select(lt(magnitude, set1(0.625f)), small, as_float(as_int(large) | as_int(sign)));
}

WEFT_INLINE Vec erf(Vec x) {
  const Vec magnitude = abs(x), square = x * x;
  Vec p = set1(7.853861353153693e-5f);
  p = fma(p, square, set1(-8.010193625184903e-4f));
  p = fma(p, square, set1(5.188327685732524e-3f));
  p = fma(p, square, set1(-2.685381193529856e-2f));
  p = fma(p, square, set1(1.128358514861418e-1f));
  p = fma(p, square, set1(-3.761262582423300e-1f));
  p = fma(p, square, set1(1.128379165726710f));
  const Vec small = p * x;
  // Beyond 1: one minus the complement, exp(-x^2) / x times a polynomial in 1 / x^2.
  const Vec bounded = min(set1(10.0f), magnitude);
  const Vec inverse = set1(1.0f) / bounded, t = inverse * inverse;
  Vec q = set1(2.326819970068386e-2f);
  q = fma(q, t, set1(-1.387039388740657e-1f));
  q = fma(q, t, set1(3.687424674597105e-1f));
  q = fma(q, t, set1(-5.824733027278666e-1f));
  q = fma(q, t, set1(6.210004621745983e-1f));
  q = fma(q, t, set1(-4.944515323274145e-1f));
  q = fma(q, t, set1(3.404879937665872e-1f));
  q = fma(q, t, set1(-2.741127028184656e-1f));
  q = fma(q, t, set1(5.638259427386472e-1f));
  const Vec large = set1(1.0f) - exp(neg(bounded * bounded)) * inverse * q;
  const Vec sign = as_float(as_int(x) & set1_i(INT32_MIN));
  return select(lt(magnitude, set1(1.0f)), small, as_float(as_int(large) | as_int(sign)));
}

}  // namespace weft::WEFT_ISA
