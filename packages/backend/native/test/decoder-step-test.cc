#include "../kernels/decoder-step.h"

#include <cmath>

#include "../kernels/attention.h"
#include "../kernels/beam-attention.h"
#include "../kernels/binary.h"
#include "../kernels/gemm.h"
#include "../kernels/norm.h"
#include "../kernels/quantized-linear.h"
#include "testing.h"

using namespace weft;
using testing::Random;
using Floats = std::vector<float>;

namespace {

size_t sized(int64_t n) { return static_cast<size_t>(n); }

struct Case {
  int64_t rows, position;
  int32_t stored;  // of most linears
  bool padded, joined, memory, gated, root_mean_square, biased, shared;
  int64_t memory_rows = 1, memory_length = 9, held = 9;
  int64_t width = 36, attention = 24, inner = 52, heads = 3;
  int64_t capacity() const { return position + 2; }
};

struct Linear {
  int64_t n, k;
  int32_t stored;
  Floats weight, scales, packed, bias;
  std::vector<int32_t> quantized;

  Linear(Random& random, int64_t n, int64_t k, int32_t stored, bool biased)
      : n(n), k(k), stored(stored), weight(random.floats(n * k, 0.2)), bias(biased ? random.floats(n) : Floats{}) {
    if (stored > 0) {
      scales.resize(sized(n * k / stored));
      quantized.resize(sized(n * k / 4));
      quantize_weight(n, k, stored, weight.data(), quantized.data(), scales.data());
    } else if (stored == kStoredPacked) {
      packed.resize(sized(packed_floats(n, k)));
      pack_weight(true, n, k, weight.data(), packed.data());
    }
  }

  float* values() { return stored > 0 ? scales.data() : stored == kStoredPacked ? packed.data() : weight.data(); }
  float* biases() { return bias.empty() ? nullptr : bias.data(); }

  Floats run(const Floats& x, int64_t rows, int32_t kind = kActNone) {
    Floats y(sized(rows * n));
    if (stored > 0) {
      quantized_linear(rows, n, k, stored, x.data(), quantized.data(), scales.data(), biases(), y.data(), kind);
    } else if (stored == kStoredPacked) {
      packed_linear(rows, n, k, x.data(), packed.data(), y.data(), biases(), kind);
    } else {
      batch_matmul(false, stored == kStoredOutIn, 1, rows, n, k, x.data(), weight.data(), y.data(), nullptr, nullptr, biases(), kind);
    }
    return y;
  }
};

template <class T>
void add(Arrays<T>* arrays, T* item) {
  static constexpr int64_t kMost = 32;
  if (arrays->data == nullptr) {
    arrays->data = new T*[kMost];
    arrays->lengths = new int64_t[kMost];
  }
  arrays->data[arrays->count] = item;
  arrays->lengths[arrays->count++] = 0;
}

Floats sum(const Floats& a, const Floats& b, int32_t kind = kBinaryAdd) {
  Floats y(a.size());
  binary(kind, a.data(), b.data(), y.data(), 1, static_cast<int64_t>(a.size()), 0, 1, 0, 1);
  return y;
}

struct Block {
  Case c;
  float scale;
  Floats norms[6], key, value, memory_key, memory_value;
  std::vector<Linear> linears;  // in the order of StepLinear; one that is absent has no outputs

  Block(Random& random, const Case& c)
      : c(c), scale(static_cast<float>(random.uniform())), key(random.floats(c.held * c.capacity() * c.attention)),
        value(random.floats(c.held * c.capacity() * c.attention)),
        memory_key(random.floats(c.memory_rows * c.memory_length * c.attention)),
        memory_value(random.floats(c.memory_rows * c.memory_length * c.attention)) {
    for (int64_t i = 0; i < 6; ++i) norms[i] = i % 2 == 1 && c.root_mean_square ? Floats{} : random.floats(c.width);
    const auto add = [&](bool present, int64_t n, int64_t k, int32_t stored) {
      linears.emplace_back(random, present ? n : 0, k, stored, c.biased);
    };
    add(true, c.joined ? 3 * c.attention : c.attention, c.width, c.stored);
    add(!c.joined, c.attention, c.width, c.stored);
    add(!c.joined, c.attention, c.width, c.stored);
    add(true, c.width, c.attention, kStoredInOut);  // whatever the others are
    add(c.memory, c.attention, c.width, c.stored);
    add(c.memory, c.width, c.attention, c.stored);
    add(c.gated, c.inner, c.width, c.stored);
    add(true, c.inner, c.width, c.stored);
    add(true, c.width, c.inner, kStoredOutIn);
  }

  Floats normalise(int64_t i, const Floats& x, float epsilon) const {
    Floats y(x.size()), mean(sized(c.rows)), rstd(sized(c.rows));
    if (norms[2 * i + 1].empty()) {
      rms_norm(x.data(), norms[2 * i].data(), y.data(), rstd.data(), c.rows, c.width, epsilon);
    } else {
      layer_norm(x.data(), norms[2 * i].data(), norms[2 * i + 1].data(), y.data(), mean.data(), rstd.data(), c.rows, c.width, epsilon);
    }
    return y;
  }

  void keep(const Floats& from, int64_t ld, int64_t at, Floats* buffer) const {
    for (int64_t r = 0; r < c.rows; ++r) {
      for (int64_t i = 0; i < c.attention; ++i) {
        (*buffer)[sized((r * c.capacity() + c.position) * c.attention + i)] = from[sized(r * ld + at + i)];
      }
    }
  }

  // The kernels one by one.
  Floats run(const Floats& x, const float* padding, const float* memory_padding, const float* bias, const int32_t* table,
             float epsilon) {
    const int64_t rows = c.rows, a = c.attention, size = a / c.heads;
    Floats query(sized(rows * a)), attended(query), lse(sized(rows * c.heads));
    const Floats normal = normalise(0, x, epsilon);
    const Floats joined = linears[kStepQuery].run(normal, rows);
    const int64_t ld = c.joined ? 3 * a : a;
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < a; ++i) query[sized(r * a + i)] = joined[sized(r * ld + i)];
    }
    if (c.joined) {
      keep(joined, ld, a, &key);
      keep(joined, ld, 2 * a, &value);
    } else {
      keep(linears[kStepKey].run(normal, rows), a, 0, &key);
      keep(linears[kStepValue].run(normal, rows), a, 0, &value);
    }
    if (table == nullptr) {
      attention(query.data(), key.data(), value.data(), padding, bias, attended.data(), lse.data(), rows, 1, c.capacity(),
                c.position + 1, c.heads, c.heads, size, size, 1, bias == nullptr ? 1 : c.heads, scale, true, 0, 0, 0);
    } else {
      beam_attention(query.data(), key.data(), value.data(), table, bias, attended.data(), rows, c.held, c.capacity(),
                     c.position + 1, c.heads, size, scale);
    }
    Floats h = sum(x, linears[kStepProject].run(attended, rows));
    if (c.memory) {
      query = linears[kStepCrossQuery].run(normalise(1, h, epsilon), rows);
      attention(query.data(), memory_key.data(), memory_value.data(), memory_padding, nullptr, attended.data(), lse.data(),
                c.memory_rows, rows / c.memory_rows, c.memory_length, c.memory_length, c.heads, c.heads, size, size, 1, 1,
                scale, false, 0, 0, 0);
      h = sum(h, linears[kStepCrossProject].run(attended, rows));
    }
    const Floats ready = normalise(2, h, epsilon);
    Floats wide = linears[kStepUp].run(ready, rows, c.gated ? kActNone : kActGeluNew);
    if (c.gated) wide = sum(linears[kStepGate].run(ready, rows, kActGeluNew), wide, kBinaryMul);
    return sum(h, linears[kStepDown].run(wide, rows));
  }
};

void expect_bits(const Case& c, uint64_t seed) {
  const float epsilon = 1e-5f;
  const int64_t length = c.position + 1;
  Random random(seed);
  const Floats x = random.floats(c.rows * c.width), bias = random.floats(c.heads * length);
  Floats padding(sized(c.rows * length), 1), memory_padding(sized(c.memory_rows * c.memory_length), 1);
  if (c.position > 0) padding[0] = 0;
  memory_padding.back() = 0;
  std::vector<int32_t> table(sized(c.rows * length));
  for (int64_t i = 0; i < c.rows * length; ++i) {
    const bool last = i % length == c.position;
    table[sized(i)] = static_cast<int32_t>(last ? i / length : random.below(c.held));
  }
  Block blocks[] = {{random, c}, {random, c}};
  const float* const hides = c.padded ? padding.data() : nullptr;
  const float* const memory_hides = c.padded ? memory_padding.data() : nullptr;
  const float* const biases_of_scores = c.biased ? nullptr : bias.data();
  const int32_t* const rows = c.shared ? table.data() : nullptr;

  FloatArrays keys, values, memory_keys, memory_values, norms, weights, biases;
  IntArrays quantized;
  std::vector<int32_t> stored;
  Floats scales;
  std::vector<Floats> written;
  for (Block& block : blocks) {
    written.push_back(block.key);
    written.push_back(block.value);
  }
  for (size_t i = 0; i < 2; ++i) {
    Block& block = blocks[i];
    add(&keys, written[2 * i].data());
    add(&values, written[2 * i + 1].data());
    scales.push_back(block.scale);
    if (c.memory) {
      add(&memory_keys, block.memory_key.data());
      add(&memory_values, block.memory_value.data());
    }
    for (Floats& norm : block.norms) add(&norms, norm.empty() ? nullptr : norm.data());
    for (Linear& linear : block.linears) {
      const bool present = linear.n > 0;
      add(&weights, present ? linear.values() : nullptr);
      add(&quantized, present ? linear.quantized.data() : nullptr);
      add(&biases, present ? linear.biases() : nullptr);
      stored.push_back(linear.stored);
    }
  }
  const StepSizes sizes{c.rows, c.width, c.attention, c.inner, c.heads, c.held, c.capacity(), c.position, c.memory_rows, c.memory_length};
  Floats y(sized(c.rows * c.width));
  EXPECT(decoder_step(sizes, x.data(), y.data(), keys, values, memory_keys, memory_values, hides, memory_hides, biases_of_scores,
                      rows, norms, weights, biases, quantized, stored.data(), scales.data(), epsilon, kActGeluNew) == -1);
  Floats want = x;
  for (size_t i = 0; i < 2; ++i) {
    want = blocks[i].run(want, hides, memory_hides, biases_of_scores, rows, epsilon);
    EXPECT(written[2 * i] == blocks[i].key);
    EXPECT(written[2 * i + 1] == blocks[i].value);
  }
  EXPECT(y == want);
  for (float each : y) EXPECT(std::isfinite(each));
  if (!c.shared) return;
  table[0] = static_cast<int32_t>(c.held);
  EXPECT(decoder_step(sizes, x.data(), y.data(), keys, values, memory_keys, memory_values, hides, memory_hides, biases_of_scores,
                      rows, norms, weights, biases, quantized, stored.data(), scales.data(), epsilon, kActGeluNew) == 0);
}

}  // namespace

TEST(decoder_step_alone_has_the_bits_of_its_kernels) {
  for (int64_t rows : {1, 3, 8}) {
    for (int32_t stored : {kStoredInOut, 4}) {
      for (int64_t position : {0, 1, 70}) {
        Case c{rows, position, stored, true, true, false, false, false, true, false};
        c.attention = c.width;
        expect_bits(c, static_cast<uint64_t>(rows * 100 + position + stored));
      }
    }
  }
}

TEST(decoder_step_over_a_memory_has_the_bits_of_its_kernels) {
  for (int64_t rows : {2, 6, 9}) {
    for (int32_t stored : {kStoredOutIn, kStoredPacked, 4}) {
      for (int64_t position : {0, 5, 70}) {
        for (int64_t kind = 0; kind < 8; ++kind) {
          const bool gated = (kind & 1) != 0, biased = (kind & 2) != 0, shared = (kind & 4) != 0;
          Case c{rows, position, stored, gated, false, true, gated, !biased, biased, shared};
          c.memory_rows = rows % 3 == 0 ? rows / 3 : rows;
          expect_bits(c, static_cast<uint64_t>(rows * 1000 + position * 10 + kind));
        }
      }
    }
  }
}
