// Philox4x32-10 (Salmon, Moraes, Dror and Shaw, 2011) on vectors: every lane is a block of its own.
#pragma once

#include "../runtime/simd.h"

namespace weft::WEFT_ISA {

struct PhiloxKey {
  uint32_t key0, key1, offset0, offset1;
  uint32_t threshold;  // a word is kept from here on
  bool none;           // a rate that rounds to one: nothing is kept
  float kept;          // what kept elements are multiplied by
};

// `seed` and `offset` are whole numbers below 2^53.
WEFT_INLINE PhiloxKey philox_key(double rate, double seed, double offset) {
  const uint64_t s = static_cast<uint64_t>(seed), o = static_cast<uint64_t>(offset);
  const uint64_t threshold = static_cast<uint64_t>(rate * 4294967296.0 + 0.5);
  return {static_cast<uint32_t>(s),         static_cast<uint32_t>(s >> 32), static_cast<uint32_t>(o),
          static_cast<uint32_t>(o >> 32),   static_cast<uint32_t>(threshold), threshold > 0xffffffffull,
          static_cast<float>(1.0 / (1.0 - rate))};
}

// The four words of the blocks with counters (low, high, offset).
WEFT_INLINE void philox(const PhiloxKey& key, VecI low, VecI high, VecI (&words)[4]) {
  const VecI m0 = set1_i(static_cast<int32_t>(0xd2511f53u)), m1 = set1_i(static_cast<int32_t>(0xcd9e8d57u));
  VecI c0 = low, c1 = high;
  VecI c2 = set1_i(static_cast<int32_t>(key.offset0)), c3 = set1_i(static_cast<int32_t>(key.offset1));
  uint32_t k0 = key.key0, k1 = key.key1;
  for (int round = 0; round < 10; ++round) {
    const VecI high0 = mul_high_u(m0, c0), low0 = m0 * c0;
    const VecI high1 = mul_high_u(m1, c2), low1 = m1 * c2;
    c0 = high1 ^ c1 ^ set1_i(static_cast<int32_t>(k0));
    c1 = low1;
    c2 = high0 ^ c3 ^ set1_i(static_cast<int32_t>(k1));
    c3 = low0;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  words[0] = c0;
  words[1] = c1;
  words[2] = c2;
  words[3] = c3;
}

// 0 or `kept`, by the words of a block.
WEFT_INLINE Vec philox_multiplier(const PhiloxKey& key, VecI word) {
  if (key.none) return set1(0.0f);
  return select(ge_u(word, set1_i(static_cast<int32_t>(key.threshold))), set1(key.kept), set1(0.0f));
}

}  // namespace weft::WEFT_ISA
