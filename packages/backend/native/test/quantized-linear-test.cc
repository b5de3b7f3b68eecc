#include "testing.h"

#include <cmath>
#include <cstring>
#include <limits>

#include "../kernels/quantized-linear.h"
#include "../reference/quantized-linear.h"

using namespace weft;
using testing::Random;

TEST(quantized_linear_ragged) {
  for (int64_t m : {1, 2, 3, 4, 5, 6, 7, 8, 9, 31}) {
    for (int64_t n : {1, 7, 16, 65, 300}) {
      for (int64_t group : {4, 12, 16, 32, 64}) {
        for (int64_t groups : {1, 3}) {
          const int64_t k = group * groups;
          Random random(static_cast<uint64_t>(m * 10007 + n * 101 + k));
          const auto x = random.floats(m * k), scales = random.floats(n * groups, 0.1), bias = random.floats(n);
          std::vector<int32_t> weight(static_cast<size_t>(n * k / 4));
          for (int32_t& word : weight) word = static_cast<int32_t>(random.next());
          std::vector<float> y(static_cast<size_t>(m * n));
          std::vector<double> want(y.size());
          const int32_t kind = n % 2 == 0 ? 3 : 0;
          quantized_linear(m, n, k, group, x.data(), weight.data(), scales.data(), bias.data(), y.data(), kind);
          reference::quantized_linear(m, n, k, group, x.data(), reinterpret_cast<const int8_t*>(weight.data()), scales.data(),
                                      bias.data(), want.data(), kind);
          EXPECT_CLOSE(y.data(), want.data(), m * n, 1e-4, 1e-5);
        }
      }
    }
  }
}

TEST(quantized_linear_precise_for_long_rows) {
  for (int64_t group : {32, 64, 256}) {
    const int64_t m = 3, n = 21, k = 768;
    Random random(static_cast<uint64_t>(group));
    const auto x = random.floats(m * k, 3), scales = random.floats(n * (k / group), 0.01);
    std::vector<int32_t> weight(static_cast<size_t>(n * k / 4));
    for (int32_t& word : weight) word = static_cast<int32_t>(random.next());
    std::vector<float> y(static_cast<size_t>(m * n));
    std::vector<double> want(y.size());
    quantized_linear(m, n, k, group, x.data(), weight.data(), scales.data(), nullptr, y.data(), 0);
    reference::quantized_linear(m, n, k, group, x.data(), reinterpret_cast<const int8_t*>(weight.data()), scales.data(), nullptr,
                                want.data(), 0);
    EXPECT_CLOSE(y.data(), want.data(), m * n, 2e-5, 1e-5);
  }
}

TEST(quantized_linear_of_zeros_nan_and_infinity) {
  const int64_t n = 5, k = 64, group = 32;
  std::vector<int32_t> weight(static_cast<size_t>(n * k / 4), 0x01020304);
  const std::vector<float> scales(static_cast<size_t>(n * 2), 0.5f);
  std::vector<float> x(static_cast<size_t>(k), 0.0f), y(static_cast<size_t>(n), 7.0f);
  quantized_linear(1, n, k, group, x.data(), weight.data(), scales.data(), nullptr, y.data(), 0);
  for (float v : y) EXPECT(v == 0);
  x[17] = std::numeric_limits<float>::infinity();
  quantized_linear(1, n, k, group, x.data(), weight.data(), scales.data(), nullptr, y.data(), 0);
  for (float v : y) EXPECT(v == std::numeric_limits<float>::infinity());
  x[18] = std::nanf("");
  quantized_linear(1, n, k, group, x.data(), weight.data(), scales.data(), nullptr, y.data(), 0);
  for (float v : y) EXPECT(std::isnan(v));
}

TEST(quantize_weight_ragged) {
  for (int64_t n : {1, 7, 65}) {
    for (int64_t group : {4, 12, 32, 64}) {
      const int64_t k = group * 3;
      Random random(static_cast<uint64_t>(n * 101 + k));
      auto weight = random.floats(n * k);
      for (int64_t i = 0; i < group; ++i) weight[static_cast<size_t>(i)] = 0;
      std::vector<int32_t> quantized(static_cast<size_t>(n * k / 4));
      std::vector<int8_t> want(static_cast<size_t>(n * k));
      std::vector<float> scales(static_cast<size_t>(n * 3)), wanted = scales;
      quantize_weight(n, k, group, weight.data(), quantized.data(), scales.data());
      reference::quantize_weight(n, k, group, weight.data(), want.data(), wanted.data());
      EXPECT(std::memcmp(quantized.data(), want.data(), want.size()) == 0);
      EXPECT(std::memcmp(scales.data(), wanted.data(), scales.size() * sizeof(float)) == 0);
    }
  }
}

TEST(quantize_weight_of_nan_and_infinity) {
  float weight[8] = {1, std::nanf(""), 2, 3, 1, std::numeric_limits<float>::infinity(), 2, 3};
  int32_t quantized[2] = {7, 7};
  float scales[2];
  quantize_weight(1, 8, 4, weight, quantized, scales);
  EXPECT(quantized[0] == 0 && quantized[1] == 0);
  EXPECT(std::isnan(scales[0]) && std::isinf(scales[1]));
}
