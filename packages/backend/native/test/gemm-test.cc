#include "testing.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "../kernels/gemm.h"
#include "../reference/gemm.h"
#include "../runtime/parallel.h"

using namespace weft;
using testing::Random;

namespace {

void check(bool ta, bool tb, int64_t m, int64_t n, int64_t k, bool with_bias, int32_t kind) {
  Random random(static_cast<uint64_t>(m * 1000003 + n * 1009 + k * 7 + ta * 2 + tb));
  const auto a = random.floats(m * k), b = random.floats(k * n), bias = random.floats(n);
  std::vector<float> c(static_cast<size_t>(m * n), std::nanf(""));
  std::vector<double> want(static_cast<size_t>(m * n));
  const float* bias_data = with_bias ? bias.data() : nullptr;
  sgemm(ta, tb, m, n, k, a.data(), ta ? m : k, b.data(), tb ? k : n, c.data(), n, bias_data, kind, false);
  reference::matmul(ta, tb, m, n, k, a.data(), b.data(), want.data(), bias_data, kind);
  EXPECT_CLOSE(c.data(), want.data(), m * n, 1e-6 + 2e-7 * static_cast<double>(k), 1e-5);
}

}  // namespace

TEST(gemm_ragged_sizes_in_all_transpositions) {
  for (int64_t m : {1, 2, 3, 4, 5, 6, 7, 13, 14, 15, 29, 43}) {
    for (int64_t n : {1, 7, 15, 16, 17, 31, 32, 33, 67}) {
      for (int64_t k : {1, 3, 8, 15, 17, 64, 97}) {
        for (int t = 0; t < 4; ++t) check(t & 1, t & 2, m, n, k, (m + n) % 2 == 0, 0);
      }
    }
  }
}

TEST(gemm_large_sizes) {
  for (int t = 0; t < 4; ++t) {
    check(t & 1, t & 2, 130, 129, 131, true, 0);
    check(t & 1, t & 2, 64, 101, 1601, false, 0);
    check(t & 1, t & 2, 2100, 40, 31, true, 0);
  }
}

TEST(gemm_activations) {
  for (int32_t kind = 0; kind <= 8; ++kind) {
    for (int64_t m : {1, 3, 17}) {
      check(false, true, m, 37, 19, true, kind);
      check(false, false, m, 37, 19, true, kind);
    }
  }
}

TEST(gemm_accumulates) {
  Random random(5);
  const int64_t m = 19, n = 23, k = 29;
  const auto a = random.floats(m * k), b = random.floats(k * n), start = random.floats(m * n);
  std::vector<float> c = start;
  std::vector<double> want(static_cast<size_t>(m * n));
  sgemm(false, false, m, n, k, a.data(), k, b.data(), n, c.data(), n, nullptr, kActNone, true);
  reference::matmul(false, false, m, n, k, a.data(), b.data(), want.data(), nullptr, 0);
  for (size_t i = 0; i < want.size(); ++i) want[i] += start[i];
  EXPECT_CLOSE(c.data(), want.data(), m * n, 1e-5, 1e-5);
}

TEST(gemm_without_depth_or_elements) {
  const float bias[2] = {-1.0f, 2.0f};
  float c[4] = {9, 9, 9, 9};
  sgemm(false, false, 2, 2, 0, bias, 0, bias, 2, c, 2, bias, kActRelu, false);
  EXPECT(c[0] == 0 && c[1] == 2 && c[2] == 0 && c[3] == 2);
  sgemm(false, false, 0, 2, 2, bias, 2, bias, 2, c, 2, nullptr, kActNone, false);
  EXPECT(c[1] == 2);
}

TEST(gemm_carries_nan_and_infinity) {
  const float inf = std::numeric_limits<float>::infinity();
  for (int64_t m : {1, 20}) {
    std::vector<float> a(static_cast<size_t>(m * 8), 1.0f), b(8 * 40, 1.0f), c(static_cast<size_t>(m * 40));
    b[3] = inf;
    b[40 + 5] = std::nanf("");
    b[7] = inf;
    b[40 + 7] = -inf;
    sgemm(false, false, m, 40, 8, a.data(), 8, b.data(), 40, c.data(), 40, nullptr, kActRelu, false);
    EXPECT(c[3] == inf && std::isnan(c[5]) && std::isnan(c[7]) && c[8] == 8);
  }
}

TEST(gemm_batches_with_shared_matrices) {
  Random random(9);
  const int64_t m = 5, n = 7, k = 11;
  const auto a = random.floats(2 * m * k), b = random.floats(3 * k * n);
  const int32_t indexA[4] = {0, 1, 0, 1}, indexB[4] = {2, 1, 0, 2};
  std::vector<float> c(static_cast<size_t>(4 * m * n));
  batch_matmul(false, true, 4, m, n, k, a.data(), b.data(), c.data(), indexA, indexB, nullptr, kActNone);
  for (int i = 0; i < 4; ++i) {
    std::vector<double> want(static_cast<size_t>(m * n));
    reference::matmul(false, true, m, n, k, a.data() + indexA[i] * m * k, b.data() + indexB[i] * k * n, want.data(), nullptr, 0);
    EXPECT_CLOSE(c.data() + i * m * n, want.data(), m * n, 1e-5, 1e-5);
  }
}

TEST(gemm_same_bits_on_any_number_of_threads) {
  Random random(11);
  const int threads = num_threads();
  for (int64_t m : {1, 4, 100}) {
    const int64_t n = 1000, k = 800;
    const auto a = random.floats(m * k), b = random.floats(k * n);
    for (bool tb : {false, true}) {
      std::vector<float> first(static_cast<size_t>(m * n)), again = first;
      sgemm(false, tb, m, n, k, a.data(), k, b.data(), tb ? k : n, first.data(), n, nullptr, kActGelu, false);
      set_num_threads(3);
      sgemm(false, tb, m, n, k, a.data(), k, b.data(), tb ? k : n, again.data(), n, nullptr, kActGelu, false);
      set_num_threads(threads);
      EXPECT(std::memcmp(first.data(), again.data(), first.size() * sizeof(float)) == 0);
    }
  }
}

TEST(gemm_packed_weights_give_the_same_bits) {
  Random random(13);
  for (int64_t m : {0, 1, 13, 14, 15, 29, 130, 400}) {
    for (int64_t n : {1, 15, 33, 96, 200}) {
      for (int64_t k : {0, 1, 17, 130, 769, 1601}) {
        const auto a = random.floats(m * k), b = random.floats(k * n), bias = random.floats(n);
        for (bool tb : {false, true}) {
          std::vector<float> packed(static_cast<size_t>(packed_floats(n, k)), std::nanf(""));
          pack_weight(tb, n, k, b.data(), packed.data());
          std::vector<float> c(static_cast<size_t>(m * n), std::nanf(""));
          packed_linear(m, n, k, a.data(), packed.data(), c.data(), bias.data(), kActGelu);
          std::vector<double> want(static_cast<size_t>(m * n));
          reference::matmul(false, tb, m, n, k, a.data(), b.data(), want.data(), bias.data(), kActGelu);
          EXPECT_CLOSE(c.data(), want.data(), m * n, 1e-6 + 2e-7 * static_cast<double>(k), 1e-5);
          if (m <= 8) continue;  // sgemm takes another way
          std::vector<float> same(static_cast<size_t>(m * n));
          sgemm(false, tb, m, n, k, a.data(), k, b.data(), tb ? k : n, same.data(), n, bias.data(), kActGelu, false);
          EXPECT(std::memcmp(c.data(), same.data(), c.size() * sizeof(float)) == 0);
        }
      }
    }
  }
}
