// Few rows of x times an int8 weight with the byte dot products of AVX-512 VNNI, to the precision of float32.
//
// A row of x becomes integers of 23 bits and sign, relative to its largest magnitude, and each integer three signed
// digits of base 256. The instruction multiplies unsigned by signed bytes: the weight goes in as w + 128, and the
// sums start at -128 times the digits, so that every sum of four products is exact.
#pragma once

#include "../runtime/simd.h"

namespace weft::WEFT_ISA {

// Two neighbouring scales, read as one.
typedef double Pair __attribute__((may_alias, aligned(4)));

constexpr int64_t kBlock = 64;
constexpr float kLargestDigits = 127.0f * 65536.0f;

struct DigitBlock {
  int8_t digits[3][kBlock];
  int32_t start[3][kBlock / 4];
};

// True where the sizes suit: whole blocks, and scales that change only between halves of a block.
WEFT_INLINE bool digits_fit(int64_t k, int64_t group) { return k % kBlock == 0 && group % (kBlock / 2) == 0; }

// Splits one row; gives the scale of its integers, or NaN where the row holds NaN or infinity.
static float split_digits(const float* x, int64_t k, DigitBlock* blocks) {
  Vec largest = zero(), total = zero();
  for (int64_t p = 0; p < k; p += kLanes) {
    const Vec v = load(x + p);
    largest = max(abs(v), largest);
    total = total + (v - v);  // NaN where v is NaN or infinite
  }
  const float top = hmax(largest), finite = sum(total);
  if (finite != 0.0f) return finite;
  const float scale = top / kLargestDigits;
  // Through subnormal scales the inverse would overflow; such a row is as good as zero.
  const float inverse = top < 1e-30f ? 0.0f : kLargestDigits / top;
  for (int64_t b = 0; b < k / kBlock; ++b) {
    DigitBlock& block = blocks[b];
    for (int64_t i = 0; i < kBlock; i += kLanes) {
      VecI value = to_int(load(x + b * kBlock + i) * set1(inverse));
      for (int d = 0; d < 3; ++d) {
        const VecI digit = sar<24>(shl<24>(value));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(block.digits[d] + i), _mm512_cvtepi32_epi8(digit.v));
        value = sar<8>(value - digit);
      }
    }
    for (int d = 0; d < 3; ++d) {
      const __m512i ones = _mm512_set1_epi8(1);
      const __m512i sums = _mm512_dpbusd_epi32(_mm512_setzero_si512(), ones, _mm512_loadu_si512(block.digits[d]));
      _mm512_storeu_si512(block.start[d], _mm512_mullo_epi32(sums, _mm512_set1_epi32(-128)));
    }
  }
  return scale;
}

// `rows` rows of the weight times one row of x.
template <int rows>
static void digit_dots(int64_t k, int64_t group, const DigitBlock* blocks, float x_scale, const int8_t* w, const float* scales,
                       float* y) {
  const int64_t groups = k / group;
  const __m512i flip = _mm512_set1_epi8(static_cast<char>(0x80));
  const __m512i halves = _mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1);
  __m512 acc[rows];
#pragma GCC unroll 8
  for (int j = 0; j < rows; ++j) acc[j] = _mm512_setzero_ps();
  for (int64_t b = 0; b < k / kBlock; ++b) {
    const DigitBlock& block = blocks[b];
    const int64_t first = b * kBlock / group, second = (b * kBlock + kBlock / 2) / group;
#pragma GCC unroll 8
    for (int j = 0; j < rows; ++j) {
      const int8_t* const from = w + j * k + b * kBlock;
      __builtin_prefetch(from + rows * k, 0, 2);
      const __m512i shifted = _mm512_xor_si512(_mm512_loadu_si512(from), flip);
      __m512i sums[3];
#pragma GCC unroll 4
      for (int d = 0; d < 3; ++d) {
        sums[d] = _mm512_dpbusd_epi32(_mm512_loadu_si512(block.start[d]), shifted, _mm512_loadu_si512(block.digits[d]));
      }
      const __m512i low = _mm512_add_epi32(sums[0], _mm512_slli_epi32(sums[1], 8));
      const __m512 value = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sums[2]), _mm512_set1_ps(65536.0f), _mm512_cvtepi32_ps(low));
      const float* const s = scales + j * groups;
      const __m512 scale = first == second
                               ? _mm512_set1_ps(s[first])
                               : _mm512_permutevar_ps(_mm512_castpd_ps(_mm512_set1_pd(*reinterpret_cast<const Pair*>(s + first))), halves);
      acc[j] = _mm512_fmadd_ps(value, scale, acc[j]);
    }
  }
#pragma GCC unroll 8
  for (int j = 0; j < rows; ++j) y[j] = _mm512_reduce_add_ps(acc[j]) * x_scale;
}

}  // namespace weft::WEFT_ISA
