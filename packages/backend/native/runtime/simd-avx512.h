// AVX-512 (F, BW, DQ, VL, VNNI): 16 lanes, masked loads and stores. See simd.h.
#pragma once

#include <immintrin.h>

namespace weft::WEFT_ISA {

constexpr int64_t kLanes = 16;
struct Vec { __m512 v; };
struct VecI { __m512i v; };
struct Mask { __mmask16 m; };

WEFT_INLINE __mmask16 first(int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }

WEFT_INLINE Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
WEFT_INLINE Vec load_n(const float* p, int64_t n) { return {_mm512_maskz_loadu_ps(first(n), p)}; }
WEFT_INLINE void store(float* p, Vec a) { _mm512_storeu_ps(p, a.v); }
WEFT_INLINE void store_n(float* p, Vec a, int64_t n) { _mm512_mask_storeu_ps(p, first(n), a.v); }
WEFT_INLINE Vec set1(float x) { return {_mm512_set1_ps(x)}; }
WEFT_INLINE Vec operator+(Vec a, Vec b) { return {_mm512_add_ps(a.v, b.v)}; }
WEFT_INLINE Vec operator-(Vec a, Vec b) { return {_mm512_sub_ps(a.v, b.v)}; }
WEFT_INLINE Vec operator*(Vec a, Vec b) { return {_mm512_mul_ps(a.v, b.v)}; }
WEFT_INLINE Vec operator/(Vec a, Vec b) { return {_mm512_div_ps(a.v, b.v)}; }
WEFT_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
WEFT_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
WEFT_INLINE Vec max(Vec a, Vec b) { return {_mm512_max_ps(a.v, b.v)}; }
WEFT_INLINE Vec min(Vec a, Vec b) { return {_mm512_min_ps(a.v, b.v)}; }
WEFT_INLINE Vec sqrt(Vec a) { return {_mm512_sqrt_ps(a.v)}; }
WEFT_INLINE Vec abs(Vec a) { return {_mm512_abs_ps(a.v)}; }
WEFT_INLINE Vec neg(Vec a) { return {_mm512_xor_ps(a.v, _mm512_set1_ps(-0.0f))}; }
WEFT_INLINE Vec floor(Vec a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)}; }
WEFT_INLINE Vec round(Vec a) { return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
WEFT_INLINE float sum(Vec a) { return _mm512_reduce_add_ps(a.v); }
WEFT_INLINE float hmax(Vec a) { return _mm512_reduce_max_ps(a.v); }
WEFT_INLINE float hmin(Vec a) { return _mm512_reduce_min_ps(a.v); }

WEFT_INLINE Mask lt(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ)}; }
WEFT_INLINE Mask le(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_LE_OQ)}; }
WEFT_INLINE Mask gt(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GT_OQ)}; }
WEFT_INLINE Mask ge(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_GE_OQ)}; }
WEFT_INLINE Mask eq(Vec a, Vec b) { return {_mm512_cmp_ps_mask(a.v, b.v, _CMP_EQ_OQ)}; }
WEFT_INLINE Mask is_nan(Vec a) { return {_mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q)}; }
WEFT_INLINE Mask operator&(Mask a, Mask b) { return {static_cast<__mmask16>(a.m & b.m)}; }
WEFT_INLINE Mask operator|(Mask a, Mask b) { return {static_cast<__mmask16>(a.m | b.m)}; }
WEFT_INLINE Mask operator~(Mask a) { return {static_cast<__mmask16>(~a.m)}; }
WEFT_INLINE bool any(Mask m) { return m.m != 0; }
WEFT_INLINE bool all(Mask m) { return m.m == 0xffff; }
WEFT_INLINE uint32_t bits(Mask m) { return m.m; }
WEFT_INLINE Vec select(Mask m, Vec a, Vec b) { return {_mm512_mask_blend_ps(m.m, b.v, a.v)}; }

WEFT_INLINE VecI load(const int32_t* p) { return {_mm512_loadu_si512(p)}; }
WEFT_INLINE VecI load_n(const int32_t* p, int64_t n) { return {_mm512_maskz_loadu_epi32(first(n), p)}; }
WEFT_INLINE void store(int32_t* p, VecI a) { _mm512_storeu_si512(p, a.v); }
WEFT_INLINE void store_n(int32_t* p, VecI a, int64_t n) { _mm512_mask_storeu_epi32(p, first(n), a.v); }
WEFT_INLINE VecI set1_i(int32_t x) { return {_mm512_set1_epi32(x)}; }
WEFT_INLINE VecI iota() { return {_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)}; }
WEFT_INLINE VecI operator+(VecI a, VecI b) { return {_mm512_add_epi32(a.v, b.v)}; }
WEFT_INLINE VecI operator-(VecI a, VecI b) { return {_mm512_sub_epi32(a.v, b.v)}; }
WEFT_INLINE VecI operator*(VecI a, VecI b) { return {_mm512_mullo_epi32(a.v, b.v)}; }
WEFT_INLINE VecI operator&(VecI a, VecI b) { return {_mm512_and_si512(a.v, b.v)}; }
WEFT_INLINE VecI operator|(VecI a, VecI b) { return {_mm512_or_si512(a.v, b.v)}; }
WEFT_INLINE VecI operator^(VecI a, VecI b) { return {_mm512_xor_si512(a.v, b.v)}; }
template <int k> WEFT_INLINE VecI shl(VecI a) { return {_mm512_slli_epi32(a.v, k)}; }
template <int k> WEFT_INLINE VecI shr(VecI a) { return {_mm512_srli_epi32(a.v, k)}; }
template <int k> WEFT_INLINE VecI sar(VecI a) { return {_mm512_srai_epi32(a.v, k)}; }
// High halves of the 64-bit products of unsigned lanes.
WEFT_INLINE VecI mul_high_u(VecI a, VecI b) {
  const __m512i even = _mm512_mul_epu32(a.v, b.v);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a.v, 32), _mm512_srli_epi64(b.v, 32));
  return {_mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd)};
}
WEFT_INLINE Mask eq(VecI a, VecI b) { return {_mm512_cmpeq_epi32_mask(a.v, b.v)}; }
WEFT_INLINE Mask gt(VecI a, VecI b) { return {_mm512_cmpgt_epi32_mask(a.v, b.v)}; }
WEFT_INLINE Mask ge_u(VecI a, VecI b) { return {_mm512_cmpge_epu32_mask(a.v, b.v)}; }
WEFT_INLINE VecI select(Mask m, VecI a, VecI b) { return {_mm512_mask_blend_epi32(m.m, b.v, a.v)}; }

WEFT_INLINE Vec to_float(VecI a) { return {_mm512_cvtepi32_ps(a.v)}; }
// To the nearest integer, halves to even.
WEFT_INLINE VecI to_int(Vec a) { return {_mm512_cvtps_epi32(a.v)}; }
WEFT_INLINE VecI to_int_trunc(Vec a) { return {_mm512_cvttps_epi32(a.v)}; }
WEFT_INLINE Vec as_float(VecI a) { return {_mm512_castsi512_ps(a.v)}; }
WEFT_INLINE VecI as_int(Vec a) { return {_mm512_castps_si512(a.v)}; }
WEFT_INLINE Vec load_half(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
WEFT_INLINE Vec load_bfloat(const uint16_t* p) {
  const __m256i h = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16))};
}
WEFT_INLINE Vec load_i8(const int8_t* p) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}

// r as a kLanes x kLanes matrix, transposed in place.
WEFT_INLINE void transpose(Vec (&r)[16]) {
  __m512 t[16], u[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_ps(r[i].v, r[i + 1].v);
    t[i + 1] = _mm512_unpackhi_ps(r[i].v, r[i + 1].v);
  }
  for (int i = 0; i < 16; i += 4) {
    for (int j = 0; j < 2; ++j) {
      const __m512d low = _mm512_castps_pd(t[i + j]), high = _mm512_castps_pd(t[i + 2 + j]);
      u[i + 2 * j] = _mm512_castpd_ps(_mm512_unpacklo_pd(low, high));
      u[i + 2 * j + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low, high));
    }
  }
  // u[4g + c] holds, in its quarter q, column 4q + c of rows 4g..4g+3.
  for (int c = 0; c < 4; ++c) {
    const __m512 x = _mm512_shuffle_f32x4(u[c], u[4 + c], 0x88), y = _mm512_shuffle_f32x4(u[c], u[4 + c], 0xdd);
    const __m512 z = _mm512_shuffle_f32x4(u[8 + c], u[12 + c], 0x88), w = _mm512_shuffle_f32x4(u[8 + c], u[12 + c], 0xdd);
    r[c].v = _mm512_shuffle_f32x4(x, z, 0x88);
    r[8 + c].v = _mm512_shuffle_f32x4(x, z, 0xdd);
    r[4 + c].v = _mm512_shuffle_f32x4(y, w, 0x88);
    r[12 + c].v = _mm512_shuffle_f32x4(y, w, 0xdd);
  }
}

}  // namespace weft::WEFT_ISA
