// NEON of AArch64: 4 lanes. See simd.h.
#pragma once

#include <arm_neon.h>

namespace weft::WEFT_ISA {

constexpr int64_t kLanes = 4;
struct Vec { float32x4_t v; };
struct VecI { int32x4_t v; };
struct Mask { uint32x4_t m; };

WEFT_INLINE Vec load(const float* p) { return {vld1q_f32(p)}; }
WEFT_INLINE Vec load_n(const float* p, int64_t n) {
  float buffer[4] = {0, 0, 0, 0};
  for (int64_t i = 0; i < n; ++i) buffer[i] = p[i];
  return {vld1q_f32(buffer)};
}
WEFT_INLINE void store(float* p, Vec a) { vst1q_f32(p, a.v); }
WEFT_INLINE void store_n(float* p, Vec a, int64_t n) {
  float buffer[4];
  vst1q_f32(buffer, a.v);
  for (int64_t i = 0; i < n; ++i) p[i] = buffer[i];
}
WEFT_INLINE Vec set1(float x) { return {vdupq_n_f32(x)}; }
WEFT_INLINE Vec operator+(Vec a, Vec b) { return {vaddq_f32(a.v, b.v)}; }
WEFT_INLINE Vec operator-(Vec a, Vec b) { return {vsubq_f32(a.v, b.v)}; }
WEFT_INLINE Vec operator*(Vec a, Vec b) { return {vmulq_f32(a.v, b.v)}; }
WEFT_INLINE Vec operator/(Vec a, Vec b) { return {vdivq_f32(a.v, b.v)}; }
WEFT_INLINE Vec fma(Vec a, Vec b, Vec c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
WEFT_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
WEFT_INLINE Vec select(Mask m, Vec a, Vec b) { return {vbslq_f32(m.m, a.v, b.v)}; }
WEFT_INLINE Vec max(Vec a, Vec b) { return {vbslq_f32(vcgtq_f32(a.v, b.v), a.v, b.v)}; }
WEFT_INLINE Vec min(Vec a, Vec b) { return {vbslq_f32(vcltq_f32(a.v, b.v), a.v, b.v)}; }
WEFT_INLINE Vec sqrt(Vec a) { return {vsqrtq_f32(a.v)}; }
WEFT_INLINE Vec abs(Vec a) { return {vabsq_f32(a.v)}; }
WEFT_INLINE Vec neg(Vec a) { return {vnegq_f32(a.v)}; }
WEFT_INLINE Vec floor(Vec a) { return {vrndmq_f32(a.v)}; }
WEFT_INLINE Vec round(Vec a) { return {vrndnq_f32(a.v)}; }
WEFT_INLINE float sum(Vec a) { return vaddvq_f32(a.v); }
WEFT_INLINE float hmax(Vec a) { return vmaxvq_f32(a.v); }
WEFT_INLINE float hmin(Vec a) { return vminvq_f32(a.v); }

WEFT_INLINE Mask lt(Vec a, Vec b) { return {vcltq_f32(a.v, b.v)}; }
WEFT_INLINE Mask le(Vec a, Vec b) { return {vcleq_f32(a.v, b.v)}; }
WEFT_INLINE Mask gt(Vec a, Vec b) { return {vcgtq_f32(a.v, b.v)}; }
WEFT_INLINE Mask ge(Vec a, Vec b) { return {vcgeq_f32(a.v, b.v)}; }
WEFT_INLINE Mask eq(Vec a, Vec b) { return {vceqq_f32(a.v, b.v)}; }
WEFT_INLINE Mask is_nan(Vec a) { return {vmvnq_u32(vceqq_f32(a.v, a.v))}; }
WEFT_INLINE Mask operator&(Mask a, Mask b) { return {vandq_u32(a.m, b.m)}; }
WEFT_INLINE Mask operator|(Mask a, Mask b) { return {vorrq_u32(a.m, b.m)}; }
WEFT_INLINE Mask operator~(Mask a) { return {vmvnq_u32(a.m)}; }
WEFT_INLINE uint32_t bits(Mask m) {
  const uint32_t weights[4] = {1, 2, 4, 8};
  return vaddvq_u32(vandq_u32(m.m, vld1q_u32(weights)));
}
WEFT_INLINE bool any(Mask m) { return vmaxvq_u32(m.m) != 0; }
WEFT_INLINE bool all(Mask m) { return vminvq_u32(m.m) != 0; }

WEFT_INLINE VecI load(const int32_t* p) { return {vld1q_s32(p)}; }
WEFT_INLINE VecI load_n(const int32_t* p, int64_t n) {
  int32_t buffer[4] = {0, 0, 0, 0};
  for (int64_t i = 0; i < n; ++i) buffer[i] = p[i];
  return {vld1q_s32(buffer)};
}
WEFT_INLINE void store(int32_t* p, VecI a) { vst1q_s32(p, a.v); }
WEFT_INLINE void store_n(int32_t* p, VecI a, int64_t n) {
  int32_t buffer[4];
  vst1q_s32(buffer, a.v);
  for (int64_t i = 0; i < n; ++i) p[i] = buffer[i];
}
WEFT_INLINE VecI set1_i(int32_t x) { return {vdupq_n_s32(x)}; }
WEFT_INLINE VecI iota() {
  const int32_t values[4] = {0, 1, 2, 3};
  return {vld1q_s32(values)};
}
WEFT_INLINE VecI operator+(VecI a, VecI b) { return {vaddq_s32(a.v, b.v)}; }
WEFT_INLINE VecI operator-(VecI a, VecI b) { return {vsubq_s32(a.v, b.v)}; }
WEFT_INLINE VecI operator*(VecI a, VecI b) { return {vmulq_s32(a.v, b.v)}; }
WEFT_INLINE VecI operator&(VecI a, VecI b) { return {vandq_s32(a.v, b.v)}; }
WEFT_INLINE VecI operator|(VecI a, VecI b) { return {vorrq_s32(a.v, b.v)}; }
WEFT_INLINE VecI operator^(VecI a, VecI b) { return {veorq_s32(a.v, b.v)}; }
template <int k> WEFT_INLINE VecI shl(VecI a) { return {vshlq_n_s32(a.v, k)}; }
template <int k> WEFT_INLINE VecI shr(VecI a) {
  return {vreinterpretq_s32_u32(vshrq_n_u32(vreinterpretq_u32_s32(a.v), k))};
}
template <int k> WEFT_INLINE VecI sar(VecI a) { return {vshrq_n_s32(a.v, k)}; }
WEFT_INLINE VecI mul_high_u(VecI a, VecI b) {
  const uint32x4_t x = vreinterpretq_u32_s32(a.v), y = vreinterpretq_u32_s32(b.v);
  const uint64x2_t low = vmull_u32(vget_low_u32(x), vget_low_u32(y));
  const uint64x2_t high = vmull_high_u32(x, y);
  return {vreinterpretq_s32_u32(vuzp2q_u32(vreinterpretq_u32_u64(low), vreinterpretq_u32_u64(high)))};
}
WEFT_INLINE Mask eq(VecI a, VecI b) { return {vceqq_s32(a.v, b.v)}; }
WEFT_INLINE Mask gt(VecI a, VecI b) { return {vcgtq_s32(a.v, b.v)}; }
WEFT_INLINE Mask ge_u(VecI a, VecI b) { return {vcgeq_u32(vreinterpretq_u32_s32(a.v), vreinterpretq_u32_s32(b.v))}; }
WEFT_INLINE VecI select(Mask m, VecI a, VecI b) { return {vbslq_s32(m.m, a.v, b.v)}; }

WEFT_INLINE Vec to_float(VecI a) { return {vcvtq_f32_s32(a.v)}; }
WEFT_INLINE VecI to_int(Vec a) { return {vcvtnq_s32_f32(a.v)}; }
WEFT_INLINE VecI to_int_trunc(Vec a) { return {vcvtq_s32_f32(a.v)}; }
WEFT_INLINE Vec as_float(VecI a) { return {vreinterpretq_f32_s32(a.v)}; }
WEFT_INLINE VecI as_int(Vec a) { return {vreinterpretq_s32_f32(a.v)}; }
WEFT_INLINE Vec load_half(const uint16_t* p) { return {vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))}; }
WEFT_INLINE Vec load_bfloat(const uint16_t* p) {
  return {vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16))};
}
WEFT_INLINE Vec load_i8(const int8_t* p) {
  const int32_t values[4] = {p[0], p[1], p[2], p[3]};
  return {vcvtq_f32_s32(vld1q_s32(values))};
}

// r as a kLanes x kLanes matrix, transposed in place.
WEFT_INLINE void transpose(Vec (&r)[4]) {
  const float32x4x2_t low = vtrnq_f32(r[0].v, r[1].v), high = vtrnq_f32(r[2].v, r[3].v);
  r[0].v = vcombine_f32(vget_low_f32(low.val[0]), vget_low_f32(high.val[0]));
  r[1].v = vcombine_f32(vget_low_f32(low.val[1]), vget_low_f32(high.val[1]));
  r[2].v = vcombine_f32(vget_high_f32(low.val[0]), vget_high_f32(high.val[0]));
  r[3].v = vcombine_f32(vget_high_f32(low.val[1]), vget_high_f32(high.val[1]));
}

}  // namespace weft::WEFT_ISA
