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

// x times a rational function of x^2, fitted to erf(x) / x up to 3.92, from where on float32's erf is one.
WEFT_INLINE Vec erf(Vec x) {
  const Vec magnitude = abs(x), bounded = min(set1(3.92f), magnitude), t = bounded * bounded;
  Vec p = set1(2.0500867273348104e-6f);
  p = fma(p, t, set1(2.848820606324965e-4f));
  p = fma(p, t, set1(3.7655987555444376e-3f));
  p = fma(p, t, set1(5.274866470024365e-2f));
  p = fma(p, t, set1(1.9040608200073733e-1f));
  p = fma(p, t, set1(1.1283791461525192f));
  Vec q = set1(3.8091674845585695e-5f);
  q = fma(q, t, set1(1.1625306480641676e-3f));
  q = fma(q, t, set1(1.4969179805658652e-2f));
  q = fma(q, t, set1(1.1410894606752105e-1f));
  q = fma(q, t, set1(5.020757376394342e-1f));
  q = fma(q, t, set1(1.0f));
  const Vec one = set1(1.0f), y = min(one, bounded * p / q);
  const Vec sign = as_float(as_int(x) & set1_i(INT32_MIN));
  const Vec result = as_float(as_int(select(ge(magnitude, set1(3.92f)), one, y)) | as_int(sign));
  return select(is_nan(x), x, result);
}

}  // namespace weft::WEFT_ISA
