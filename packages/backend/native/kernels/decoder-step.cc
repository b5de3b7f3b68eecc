#include "decoder-step.h"

#include <cstring>

#include "../runtime/parallel.h"
#include "../runtime/simd.h"
#include "attention.h"
#include "beam-attention.h"
#include "binary.h"
#include "gemm.h"
#include "norm.h"
#include "quantized-linear.h"

namespace weft::WEFT_ISA {
namespace {

void add(const float* a, const float* b, float* y, int64_t n) {
  constexpr int32_t kind = kBinaryAdd;
  binary(kind, a, b, y, 1, n, 0, 1, 0, 1);
}

}  // namespace

int64_t decoder_step(const StepSizes& s, const float* x, float* y, const FloatArrays& keys, const FloatArrays& values,
                     const FloatArrays& memory_keys, const FloatArrays& memory_values, const float* padding,
                     const float* memory_padding, const float* bias, const int32_t* table, const FloatArrays& norms,
                     const FloatArrays& weights, const FloatArrays& biases, const IntArrays& quantized, const int32_t* stored,
                     const float* scales, float epsilon, int32_t activation) {
  const int64_t rows = s.rows, size = rows * s.width, looked = rows * s.attention, within = rows * s.inner;
  const int64_t head_size = s.attention / s.heads, length = s.position + 1;
  float* const normal = scratch(kSlotStep, 2 * size + 5 * looked + 2 * within + rows * (s.heads + 2));
  float* const middle = normal + size;
  float* const query = middle + size;
  float* const attended = query + looked;
  float* const joined = attended + looked;
  float* const wide = joined + 3 * looked;
  float* const gate = wide + within;
  float* const log_sum_exp = gate + within;
  float* const mean = log_sum_exp + rows * s.heads;
  float* const rstd = mean + rows;

  const auto linear = [&](int64_t i, int64_t n, int64_t k, const float* from, float* to, int32_t kind) {
    const float *const weight = weights.data[i], *const added = biases.data[i];
    if (stored[i] > 0) {
      quantized_linear(rows, n, k, stored[i], from, quantized.data[i], weight, added, to, kind);
    } else if (stored[i] == kStoredPacked) {
      packed_linear(rows, n, k, from, weight, to, added, kind);
    } else {
      batch_matmul(false, stored[i] == kStoredOutIn, 1, rows, n, k, from, weight, to, nullptr, nullptr, added, kind);
    }
  };
  const auto normalise = [&](int64_t i, const float* from) {
    const float *const gamma = norms.data[2 * i], *const beta = norms.data[2 * i + 1];
    if (beta == nullptr) {
      rms_norm(from, gamma, normal, rstd, rows, s.width, epsilon);
    } else {
      layer_norm(from, gamma, beta, normal, mean, rstd, rows, s.width, epsilon);
    }
  };
  // Row r of `from`, rows of which lie `ld` apart, becomes the new position of row r of a buffer.
  const auto keep = [&](const float* from, int64_t ld, float* buffer) {
    for (int64_t r = 0; r < rows; ++r) {
      std::memcpy(buffer + (r * s.capacity + s.position) * s.attention, from + r * ld, static_cast<size_t>(s.attention) * sizeof(float));
    }
  };

  for (int64_t block = 0; block < keys.count; ++block) {
    const int64_t first = block * kStepLinears, norm = block * kStepNorms;
    const float* const from = block == 0 ? x : y;
    float *const key = keys.data[block], *const value = values.data[block];

    normalise(norm, from);
    if (weights.data[first + kStepKey] == nullptr) {
      const int64_t ld = 3 * s.attention;
      linear(first + kStepQuery, ld, s.width, normal, joined, kActNone);
      for (int64_t r = 0; r < rows; ++r) {
        std::memcpy(query + r * s.attention, joined + r * ld, static_cast<size_t>(s.attention) * sizeof(float));
      }
      keep(joined + s.attention, ld, key);
      keep(joined + 2 * s.attention, ld, value);
    } else {
      linear(first + kStepQuery, s.attention, s.width, normal, query, kActNone);
      linear(first + kStepKey, s.attention, s.width, normal, joined, kActNone);
      keep(joined, s.attention, key);
      linear(first + kStepValue, s.attention, s.width, normal, joined, kActNone);
      keep(joined, s.attention, value);
    }
    if (table == nullptr) {
      attention(query, key, value, padding, bias, attended, log_sum_exp, rows, 1, s.capacity, length, s.heads, s.heads,
                head_size, head_size, 1, bias == nullptr ? 1 : s.heads, scales[block], true, 0, 0, 0);
    } else {
      const int64_t wrong = beam_attention(query, key, value, table, bias, attended, rows, s.held, s.capacity, length, s.heads,
                                           head_size, scales[block]);
      if (wrong >= 0) return wrong;
    }
    linear(first + kStepProject, s.width, s.attention, attended, middle, kActNone);
    add(from, middle, middle, size);

    if (memory_keys.count > 0) {
      normalise(norm + 1, middle);
      linear(first + kStepCrossQuery, s.attention, s.width, normal, query, kActNone);
      attention(query, memory_keys.data[block], memory_values.data[block], memory_padding, nullptr, attended, log_sum_exp,
                s.memory_rows, rows / s.memory_rows, s.memory_length, s.memory_length, s.heads, s.heads, head_size, head_size,
                1, 1, scales[block], false, 0, 0, 0);
      linear(first + kStepCrossProject, s.width, s.attention, attended, y, kActNone);
      add(middle, y, middle, size);
    }

    normalise(norm + 2, middle);
    if (weights.data[first + kStepGate] == nullptr) {
      linear(first + kStepUp, s.inner, s.width, normal, wide, activation);
    } else {
      linear(first + kStepGate, s.inner, s.width, normal, gate, activation);
      linear(first + kStepUp, s.inner, s.width, normal, wide, kActNone);
      constexpr int32_t kind = kBinaryMul;
      binary(kind, gate, wide, wide, 1, within, 0, 1, 0, 1);
    }
    linear(first + kStepDown, s.width, s.inner, wide, y, kActNone);
    add(middle, y, y, size);
  }
  return -1;
}

}  // namespace weft::WEFT_ISA
