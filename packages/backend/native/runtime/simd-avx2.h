// AVX2 with FMA and F16C: 8 lanes. See simd.h.
#pragma once

#include <immintrin.h>

namespace weft::WEFT_ISA {

constexpr int64_t kLanes = 8;
struct Vec { __m256 v; };
struct VecI { __m256i v; };
struct Mask { __m256 m; };

alignas(32) static const int32_t kFirst[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};
WEFT_INLINE __m256i first(int64_t n) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kFirst + 8 - n)); }

WEFT_INLINE Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
WEFT_INLINE Vec load_n(const float* p, int64_t n) { return {_mm256_maskload_ps(p, first(n))}; }
WEFT_INLINE void store(float* p, Vec a) { _mm256_storeu_ps(p, a.v); }
WEFT_INLINE void store_n(float* p, Vec a, int64_t n) { _mm256_maskstore_ps(p, first(n), a.v); }
WEFT_INLINE Vec set1(float x) { return {_mm256_set1_ps(x)}; }
WEFT_INLINE Vec operator+(Vec a, Vec b) { return {_mm256_add_ps(a.v, b.v)}; }
WEFT_INLINE Vec operator-(Vec a, Vec b) { return {_mm256_sub_ps(a.v, b.v)}; }
WEFT_INLINE Vec operator*(Vec a, Vec b) { return {_mm256_mul_ps(a.v, b.v)}; }
WEFT_INLINE Vec operator/(Vec a, Vec b) { return {_mm256_div_ps(a.v, b.v)}; }
WEFT_INLINE Vec fma(Vec a, Vec b, Vec c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
WEFT_INLINE Vec fnma(Vec a, Vec b, Vec c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
WEFT_INLINE Vec max(Vec a, Vec b) { return {_mm256_max_ps(a.v, b.v)}; }
WEFT_INLINE Vec min(Vec a, Vec b) { return {_mm256_min_ps(a.v, b.v)}; }
WEFT_INLINE Vec sqrt(Vec a) { return {_mm256_sqrt_ps(a.v)}; }
WEFT_INLINE Vec abs(Vec a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
WEFT_INLINE Vec neg(Vec a) { return {_mm256_xor_ps(a.v, _mm256_set1_ps(-0.0f))}; }
WEFT_INLINE Vec floor(Vec a) { return {_mm256_floor_ps(a.v)}; }
WEFT_INLINE Vec round(Vec a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
WEFT_INLINE float sum(Vec a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}
WEFT_INLINE float hmax(Vec a) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_shuffle_ps(s, s, 1)));
}
WEFT_INLINE float hmin(Vec a) {
  __m128 s = _mm_min_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  s = _mm_min_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_min_ss(s, _mm_shuffle_ps(s, s, 1)));
}

WEFT_INLINE Mask lt(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
WEFT_INLINE Mask le(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LE_OQ)}; }
WEFT_INLINE Mask gt(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GT_OQ)}; }
WEFT_INLINE Mask ge(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_GE_OQ)}; }
WEFT_INLINE Mask eq(Vec a, Vec b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_EQ_OQ)}; }
WEFT_INLINE Mask is_nan(Vec a) { return {_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q)}; }
WEFT_INLINE Mask operator&(Mask a, Mask b) { return {_mm256_and_ps(a.m, b.m)}; }
WEFT_INLINE Mask operator|(Mask a, Mask b) { return {_mm256_or_ps(a.m, b.m)}; }
WEFT_INLINE Mask operator~(Mask a) { return {_mm256_xor_ps(a.m, _mm256_castsi256_ps(_mm256_set1_epi32(-1)))}; }
WEFT_INLINE bool any(Mask m) { return _mm256_movemask_ps(m.m) != 0; }
WEFT_INLINE bool all(Mask m) { return _mm256_movemask_ps(m.m) == 0xff; }
WEFT_INLINE uint32_t bits(Mask m) { return static_cast<uint32_t>(_mm256_movemask_ps(m.m)); }
WEFT_INLINE Vec select(Mask m, Vec a, Vec b) { return {_mm256_blendv_ps(b.v, a.v, m.m)}; }

WEFT_INLINE VecI load(const int32_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
WEFT_INLINE VecI load_n(const int32_t* p, int64_t n) { return {_mm256_maskload_epi32(p, first(n))}; }
WEFT_INLINE void store(int32_t* p, VecI a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), a.v); }
WEFT_INLINE void store_n(int32_t* p, VecI a, int64_t n) { _mm256_maskstore_epi32(p, first(n), a.v); }
WEFT_INLINE VecI set1_i(int32_t x) { return {_mm256_set1_epi32(x)}; }
WEFT_INLINE VecI iota() { return {_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)}; }
WEFT_INLINE VecI operator+(VecI a, VecI b) { return {_mm256_add_epi32(a.v, b.v)}; }
WEFT_INLINE VecI operator-(VecI a, VecI b) { return {_mm256_sub_epi32(a.v, b.v)}; }
WEFT_INLINE VecI operator*(VecI a, VecI b) { return {_mm256_mullo_epi32(a.v, b.v)}; }
WEFT_INLINE VecI operator&(VecI a, VecI b) { return {_mm256_and_si256(a.v, b.v)}; }
WEFT_INLINE VecI operator|(VecI a, VecI b) { return {_mm256_or_si256(a.v, b.v)}; }
WEFT_INLINE VecI operator^(VecI a, VecI b) { return {_mm256_xor_si256(a.v, b.v)}; }
template <int k> WEFT_INLINE VecI shl(VecI a) { return {_mm256_slli_epi32(a.v, k)}; }
template <int k> WEFT_INLINE VecI shr(VecI a) { return {_mm256_srli_epi32(a.v, k)}; }
template <int k> WEFT_INLINE VecI sar(VecI a) { return {_mm256_srai_epi32(a.v, k)}; }
WEFT_INLINE VecI mul_high_u(VecI a, VecI b) {
  const __m256i even = _mm256_mul_epu32(a.v, b.v);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a.v, 32), _mm256_srli_epi64(b.v, 32));
  return {_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa)};
}
WEFT_INLINE Mask eq(VecI a, VecI b) { return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(a.v, b.v))}; }
WEFT_INLINE Mask gt(VecI a, VecI b) { return {_mm256_castsi256_ps(_mm256_cmpgt_epi32(a.v, b.v))}; }
WEFT_INLINE Mask ge_u(VecI a, VecI b) {
  return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_max_epu32(a.v, b.v), a.v))};
}
WEFT_INLINE VecI select(Mask m, VecI a, VecI b) { return {_mm256_blendv_epi8(b.v, a.v, _mm256_castps_si256(m.m))}; }

WEFT_INLINE Vec to_float(VecI a) { return {_mm256_cvtepi32_ps(a.v)}; }
WEFT_INLINE VecI to_int(Vec a) { return {_mm256_cvtps_epi32(a.v)}; }
WEFT_INLINE VecI to_int_trunc(Vec a) { return {_mm256_cvttps_epi32(a.v)}; }
WEFT_INLINE Vec as_float(VecI a) { return {_mm256_castsi256_ps(a.v)}; }
WEFT_INLINE VecI as_int(Vec a) { return {_mm256_castps_si256(a.v)}; }
WEFT_INLINE Vec load_half(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
WEFT_INLINE Vec load_bfloat(const uint16_t* p) {
  const __m128i h = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16))};
}
WEFT_INLINE Vec load_i8(const int8_t* p) {
  return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))))};
}

// r as a kLanes x kLanes matrix, transposed in place.
WEFT_INLINE void transpose(Vec (&r)[8]) {
  __m256 t[8], u[8];
  for (int i = 0; i < 8; i += 2) {
    t[i] = _mm256_unpacklo_ps(r[i].v, r[i + 1].v);
    t[i + 1] = _mm256_unpackhi_ps(r[i].v, r[i + 1].v);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int j = 0; j < 2; ++j) {
      const __m256d low = _mm256_castps_pd(t[i + j]), high = _mm256_castps_pd(t[i + 2 + j]);
      u[i + 2 * j] = _mm256_castpd_ps(_mm256_unpacklo_pd(low, high));
      u[i + 2 * j + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(low, high));
    }
  }
  for (int c = 0; c < 4; ++c) {
    r[c].v = _mm256_permute2f128_ps(u[c], u[4 + c], 0x20);
    r[4 + c].v = _mm256_permute2f128_ps(u[c], u[4 + c], 0x31);
  }
}

}  // namespace weft::WEFT_ISA
