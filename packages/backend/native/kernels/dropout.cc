#include "dropout.h"

#include "philox.h"

namespace weft::WEFT_ISA {
namespace {

constexpr int64_t kBatches = kLanes / 4;
constexpr int64_t kStep = kLanes * kLanes;

// Multipliers of the elements [begin, begin + kLanes^2); begin is a multiple of four. Lane l of batch g computes block
// kBatches * l + g: transposed, each vector holds the words in the order of the elements.
WEFT_INLINE void multipliers(const PhiloxKey& key, int64_t begin, Vec (&m)[kLanes]) {
  const uint64_t block = static_cast<uint64_t>(begin) / 4;
  const VecI first = set1_i(static_cast<int32_t>(static_cast<uint32_t>(block)));
  const VecI high = set1_i(static_cast<int32_t>(static_cast<uint32_t>(block >> 32)));
  const VecI sign = set1_i(INT32_MIN);
  for (int64_t g = 0; g < kBatches; ++g) {
    VecI words[4];
    const VecI low = first + iota() * set1_i(static_cast<int32_t>(kBatches)) + set1_i(static_cast<int32_t>(g));
    // Where the low word has run over, the high one is one more.
    const Mask over = gt(first ^ sign, low ^ sign);
    philox(key, low, select(over, high + set1_i(1), high), words);
    for (int w = 0; w < 4; ++w) m[4 * g + w] = philox_multiplier(key, words[w]);
  }
  transpose(m);
}

}  // namespace

void dropout(const float* x, float* y, int64_t n, double rate, double seed, double offset) {
  const PhiloxKey key = philox_key(rate, seed, offset);
  const int64_t steps = (n + kStep - 1) / kStep;
  parallel_for(steps, 8192 / kStep + 1, [=](int64_t from, int64_t to) {
    for (int64_t step = from; step < to; ++step) {
      Vec m[kLanes];
      multipliers(key, step * kStep, m);
      const int64_t begin = step * kStep;
      for (int64_t v = 0; v < kLanes; ++v) {
        const int64_t i = begin + v * kLanes, left = n - i;
        if (left >= kLanes) {
          store(y + i, load(x + i) * m[v]);
        } else if (left > 0) {
          store_n(y + i, load_n(x + i, left) * m[v], left);
        }
      }
    }
  });
}

}  // namespace weft::WEFT_ISA
