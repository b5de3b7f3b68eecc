// Four lanes in the compiler's own vector types: correct on every machine, SSE2 or NEON where those are the base.
#pragma once

#include <cmath>
#include <cstring>

namespace weft::WEFT_ISA {

constexpr int64_t kLanes = 4;
typedef float F4 __attribute__((vector_size(16)));
typedef int32_t I4 __attribute__((vector_size(16)));
typedef uint32_t U4 __attribute__((vector_size(16)));
struct Vec { F4 v; };
struct VecI { I4 v; };
struct Mask { I4 m; };

WEFT_INLINE Vec load(const float* p) { Vec r; __builtin_memcpy(&r, p, 16); return r; }
WEFT_INLINE Vec load_n(const float* p, int64_t n) {
  Vec r{F4{0, 0, 0, 0}};
  for (int64_t i = 0; i < n; ++i) r.v[i] = p[i];
  return r;
}
WEFT_INLINE void store(float* p, Vec a) { __builtin_memcpy(p, &a, 16); }
WEFT_INLINE void store_n(float* p, Vec a, int64_t n) { for (int64_t i = 0; i < n; ++i) p[i] = a.v[i]; }
WEFT_INLINE Vec set1(float x) { return {F4{x, x, x, x}}; }
WEFT_INLINE Vec operator+(Vec a, Vec b) { return {a.v + b.v}; }
WEFT_INLINE Vec operator-(Vec a, Vec b) { return {a.v - b.v}; }
WEFT_INLINE Vec operator*(Vec a, Vec b) { return {a.v * b.v}; }
WEFT_INLINE Vec operator/(Vec a, Vec b) { return {a.v / b.v}; }
WEFT_INLINE Vec fma(Vec a, Vec b, Vec c) { return {a.v * b.v + c.v}; }
WEFT_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {c.v - a.v * b.v}; }
WEFT_INLINE Vec select(Mask m, Vec a, Vec b) {
  return {reinterpret_cast<F4>((reinterpret_cast<I4>(a.v) & m.m) | (reinterpret_cast<I4>(b.v) & ~m.m))};
}
WEFT_INLINE Vec max(Vec a, Vec b) { return select(Mask{a.v > b.v}, a, b); }
WEFT_INLINE Vec min(Vec a, Vec b) { return select(Mask{a.v < b.v}, a, b); }
WEFT_INLINE Vec sqrt(Vec a) {
  return {F4{__builtin_sqrtf(a.v[0]), __builtin_sqrtf(a.v[1]), __builtin_sqrtf(a.v[2]), __builtin_sqrtf(a.v[3])}};
}
WEFT_INLINE Vec abs(Vec a) { return {reinterpret_cast<F4>(reinterpret_cast<I4>(a.v) & 0x7fffffff)}; }
WEFT_INLINE Vec neg(Vec a) { return {-a.v}; }
WEFT_INLINE Vec floor(Vec a) { for (int i = 0; i < 4; ++i) a.v[i] = __builtin_floorf(a.v[i]); return a; }
WEFT_INLINE Vec round(Vec a) { for (int i = 0; i < 4; ++i) a.v[i] = __builtin_nearbyintf(a.v[i]); return a; }
WEFT_INLINE float sum(Vec a) { return (a.v[0] + a.v[2]) + (a.v[1] + a.v[3]); }
WEFT_INLINE float hmax(Vec a) {
  float r = a.v[0];
  for (int i = 1; i < 4; ++i) r = r > a.v[i] ? r : a.v[i];
  return r;
}
WEFT_INLINE float hmin(Vec a) {
  float r = a.v[0];
  for (int i = 1; i < 4; ++i) r = r < a.v[i] ? r : a.v[i];
  return r;
}

WEFT_INLINE Mask lt(Vec a, Vec b) { return {a.v < b.v}; }
WEFT_INLINE Mask le(Vec a, Vec b) { return {a.v <= b.v}; }
WEFT_INLINE Mask gt(Vec a, Vec b) { return {a.v > b.v}; }
WEFT_INLINE Mask ge(Vec a, Vec b) { return {a.v >= b.v}; }
WEFT_INLINE Mask eq(Vec a, Vec b) { return {a.v == b.v}; }
WEFT_INLINE Mask is_nan(Vec a) { return {a.v != a.v}; }
WEFT_INLINE Mask operator&(Mask a, Mask b) { return {a.m & b.m}; }
WEFT_INLINE Mask operator|(Mask a, Mask b) { return {a.m | b.m}; }
WEFT_INLINE Mask operator~(Mask a) { return {~a.m}; }
WEFT_INLINE uint32_t bits(Mask m) {
  return (m.m[0] & 1u) | (m.m[1] & 2u) | (m.m[2] & 4u) | (m.m[3] & 8u);
}
WEFT_INLINE bool any(Mask m) { return bits(m) != 0; }
WEFT_INLINE bool all(Mask m) { return bits(m) == 15; }

WEFT_INLINE VecI load(const int32_t* p) { VecI r; __builtin_memcpy(&r, p, 16); return r; }
WEFT_INLINE VecI load_n(const int32_t* p, int64_t n) {
  VecI r{I4{0, 0, 0, 0}};
  for (int64_t i = 0; i < n; ++i) r.v[i] = p[i];
  return r;
}
WEFT_INLINE void store(int32_t* p, VecI a) { __builtin_memcpy(p, &a, 16); }
WEFT_INLINE void store_n(int32_t* p, VecI a, int64_t n) { for (int64_t i = 0; i < n; ++i) p[i] = a.v[i]; }
WEFT_INLINE VecI set1_i(int32_t x) { return {I4{x, x, x, x}}; }
WEFT_INLINE VecI iota() { return {I4{0, 1, 2, 3}}; }
WEFT_INLINE U4 as_u(VecI a) { return reinterpret_cast<U4>(a.v); }
WEFT_INLINE VecI from_u(U4 a) { return {reinterpret_cast<I4>(a)}; }
WEFT_INLINE VecI operator+(VecI a, VecI b) { return from_u(as_u(a) + as_u(b)); }
WEFT_INLINE VecI operator-(VecI a, VecI b) { return from_u(as_u(a) - as_u(b)); }
WEFT_INLINE VecI operator*(VecI a, VecI b) { return from_u(as_u(a) * as_u(b)); }
WEFT_INLINE VecI operator&(VecI a, VecI b) { return {a.v & b.v}; }
WEFT_INLINE VecI operator|(VecI a, VecI b) { return {a.v | b.v}; }
WEFT_INLINE VecI operator^(VecI a, VecI b) { return {a.v ^ b.v}; }
template <int k> WEFT_INLINE VecI shl(VecI a) { return from_u(as_u(a) << k); }
template <int k> WEFT_INLINE VecI shr(VecI a) { return from_u(as_u(a) >> k); }
template <int k> WEFT_INLINE VecI sar(VecI a) { return {a.v >> k}; }
WEFT_INLINE VecI mul_high_u(VecI a, VecI b) {
  U4 r;
  for (int i = 0; i < 4; ++i) {
    r[i] = static_cast<uint32_t>((static_cast<uint64_t>(as_u(a)[i]) * as_u(b)[i]) >> 32);
  }
  return from_u(r);
}
WEFT_INLINE Mask eq(VecI a, VecI b) { return {a.v == b.v}; }
WEFT_INLINE Mask gt(VecI a, VecI b) { return {a.v > b.v}; }
WEFT_INLINE Mask ge_u(VecI a, VecI b) { return {as_u(a) >= as_u(b)}; }
WEFT_INLINE VecI select(Mask m, VecI a, VecI b) { return {(a.v & m.m) | (b.v & ~m.m)}; }

WEFT_INLINE Vec to_float(VecI a) { return {__builtin_convertvector(a.v, F4)}; }
// What does not fit in an int32 becomes the lowest one, as on x86.
WEFT_INLINE int32_t fit(float x) { return x >= -2147483648.0f && x < 2147483648.0f ? static_cast<int32_t>(x) : INT32_MIN; }
WEFT_INLINE VecI to_int_trunc(Vec a) { return {I4{fit(a.v[0]), fit(a.v[1]), fit(a.v[2]), fit(a.v[3])}}; }
WEFT_INLINE VecI to_int(Vec a) { return to_int_trunc(round(a)); }
WEFT_INLINE Vec as_float(VecI a) { return {reinterpret_cast<F4>(a.v)}; }
WEFT_INLINE VecI as_int(Vec a) { return {reinterpret_cast<I4>(a.v)}; }
WEFT_INLINE float half_to_float(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16;
  const uint32_t exponent = (h >> 10) & 31;
  const uint32_t mantissa = h & 1023;
  uint32_t word;
  if (exponent == 31) {
    word = sign | 0x7f800000u | (mantissa << 13) | (mantissa != 0 ? 0x400000u : 0u);
  } else if (exponent != 0) {
    word = sign | ((exponent + 112) << 23) | (mantissa << 13);
  } else {
    const float tiny = static_cast<float>(mantissa) * 5.9604644775390625e-8f;  // 2^-24
    __builtin_memcpy(&word, &tiny, 4);
    word |= sign;
  }
  float result;
  __builtin_memcpy(&result, &word, 4);
  return result;
}
WEFT_INLINE Vec load_half(const uint16_t* p) {
  return {F4{half_to_float(p[0]), half_to_float(p[1]), half_to_float(p[2]), half_to_float(p[3])}};
}
WEFT_INLINE Vec load_bfloat(const uint16_t* p) { return as_float(from_u(U4{p[0], p[1], p[2], p[3]} << 16)); }
WEFT_INLINE Vec load_i8(const int8_t* p) {
  return {F4{static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2]), static_cast<float>(p[3])}};
}

// r as a kLanes x kLanes matrix, transposed in place.
WEFT_INLINE void transpose(Vec (&r)[4]) {
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < i; ++j) {
      const float t = r[i].v[j];
      r[i].v[j] = r[j].v[i];
      r[j].v[i] = t;
    }
  }
}

}  // namespace weft::WEFT_ISA
