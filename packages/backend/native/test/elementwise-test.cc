#include "testing.h"

#include <cmath>
#include <limits>

#include "../kernels/activation.h"
#include "../kernels/binary.h"
#include "../kernels/unary.h"
#include "../reference/activation.h"
#include "../reference/elementwise.h"
#include "../reference/gemm.h"

using namespace weft;
using testing::Random;

namespace {

const float kInfinity = std::numeric_limits<float>::infinity();
const std::vector<int64_t> kSizes = {1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 1009, 40000};

void check_unary(int32_t kind, const std::vector<float>& x, float a, float b, double absolute, double relative) {
  std::vector<float> y(x.size(), -7);
  std::vector<double> want(x.size());
  unary(kind, x.data(), y.data(), static_cast<int64_t>(x.size()), a, b);
  for (size_t i = 0; i < x.size(); ++i) want[i] = static_cast<float>(reference::unary(kind, x[i], a, b));
  EXPECT_CLOSE(y.data(), want.data(), static_cast<int64_t>(x.size()), absolute, relative);
}

}  // namespace

TEST(unary_ragged_sizes) {
  for (int32_t kind = 0; kind <= 21; ++kind) {
    for (int64_t n : kSizes) {
      auto x = Random(static_cast<uint64_t>(n + kind)).floats(n, 4);
      const bool positive = kind == kUnarySqrt || kind == kUnaryRsqrt || kind == kUnaryLog;
      if (positive) for (float& v : x) v = std::fabs(v) + 1e-3f;
      check_unary(kind, x, -0.5f, 1.5f, kind == kUnaryElu || kind == kUnaryAffine ? 3e-7 : 2e-7, 1e-6);
    }
  }
}

TEST(unary_wide_range) {
  std::vector<float> x;
  for (float v = -104; v <= 90; v += 0.37f) x.push_back(v);
  check_unary(kUnaryExp, x, 0, 0, 3e-45, 1e-6);
  check_unary(kUnaryTanh, x, 0, 0, 1e-7, 1e-6);
  check_unary(kUnarySigmoid, x, 0, 0, 1e-37, 2e-6);
  check_unary(kUnaryErf, x, 0, 0, 1e-7, 1e-6);
  std::vector<float> positive;
  for (float v = 1e-44f; v < 3e38f; v *= 1.7f) positive.push_back(v);
  check_unary(kUnaryLog, positive, 0, 0, 1e-7, 1e-6);
  check_unary(kUnaryRsqrt, positive, 0, 0, 0, 1e-6);
}

TEST(unary_nan_and_infinity) {
  const std::vector<float> x = {std::nanf(""), kInfinity, -kInfinity, 0.0f, -0.0f, 3e38f, -3e38f, 1e-40f};
  for (int32_t kind = 0; kind <= 21; ++kind) check_unary(kind, x, 0.25f, 2.0f, 1e-6, 1e-5);
}

TEST(activation_values_and_gradients) {
  for (int32_t kind = 0; kind <= 6; ++kind) {
    for (int64_t n : kSizes) {
      const auto x = Random(static_cast<uint64_t>(n)).floats(n, 6), dy = Random(2).floats(n);
      std::vector<float> y(x.size()), dx(x.size());
      std::vector<double> want(x.size()), slope(x.size());
      for (size_t i = 0; i < x.size(); ++i) {
        want[i] = reference::activation(x[i], kind);
        slope[i] = dy[i] * reference::activation_derivative(x[i], kind);
      }
      activation_forward(x.data(), y.data(), n, kind);
      activation_gradient(x.data(), dy.data(), dx.data(), n, kind);
      // gelu's tail is x times what erf's last bit leaves of one.
      EXPECT_CLOSE(y.data(), want.data(), n, 1e-6, 1e-6);
      EXPECT_CLOSE(dx.data(), slope.data(), n, 1e-6, 1e-6);
    }
  }
}

TEST(activation_gradients_far_out) {
  const std::vector<float> x = {1e20f, -1e20f, 50, -50, 3e38f, -3e38f}, one(6, 1.0f);
  for (int32_t kind : {kActRelu, kActGelu, kActGeluNew}) {
    std::vector<float> dx(6);
    activation_gradient(x.data(), one.data(), dx.data(), 6, kind);
    for (int i = 0; i < 6; ++i) EXPECT(dx[i] == (i % 2 == 0 ? 1 : 0));
  }
}

TEST(binary_ragged_sizes_and_broadcasts) {
  for (int32_t kind = 0; kind <= 6; ++kind) {
    for (int64_t outer : {1, 3}) {
      for (int64_t inner : kSizes) {
        const auto a = Random(1).floats(outer * inner, 3), b = Random(2).floats(outer * inner, 3);
        for (int mode = 0; mode < 16; ++mode) {
          const int64_t ai = mode & 1, bi = mode >> 1 & 1, ao = mode & 4 ? inner : 0, bo = mode & 8 ? inner : 0;
          std::vector<float> y(a.size());
          std::vector<double> want(a.size());
          binary(kind, a.data(), b.data(), y.data(), outer, inner, ao, ai, bo, bi);
          for (int64_t o = 0; o < outer; ++o) {
            for (int64_t i = 0; i < inner; ++i) want[o * inner + i] = reference::binary(kind, a[o * ao + i * ai], b[o * bo + i * bi]);
          }
          EXPECT_CLOSE(y.data(), want.data(), outer * inner, 1e-6, 1e-6);
        }
      }
    }
  }
}

TEST(binary_of_many_axes) {
  // a [2, 1, 4, 5], b [3, 1, 5]
  const auto a = Random(1).floats(40), b = Random(2).floats(15);
  const int32_t layout[] = {2, 3, 4, 5, 20, 0, 5, 1, 0, 5, 0, 1};
  std::vector<float> y(120);
  std::vector<double> want(120);
  binary_broadcast(kBinaryMul, a.data(), b.data(), y.data(), layout, 4);
  for (int i = 0; i < 120; ++i) want[i] = static_cast<double>(a[i / 60 * 20 + i % 20]) * b[i / 20 % 3 * 5 + i % 5];
  EXPECT_CLOSE(y.data(), want.data(), 120, 1e-6, 1e-6);
}

TEST(binary_nan_and_infinity) {
  const std::vector<float> special = {std::nanf(""), kInfinity, -kInfinity, 0.0f, 1.0f, -2.0f};
  std::vector<float> a, b;
  for (float x : special) for (float z : special) { a.push_back(x); b.push_back(z); }
  const int64_t n = static_cast<int64_t>(a.size());
  for (int32_t kind = 0; kind <= 6; ++kind) {
    std::vector<float> y(a.size());
    std::vector<double> want(a.size());
    binary(kind, a.data(), b.data(), y.data(), 1, n, 0, 1, 0, 1);
    for (size_t i = 0; i < a.size(); ++i) want[i] = reference::binary(kind, a[i], b[i]);
    EXPECT_CLOSE(y.data(), want.data(), n, 0, 1e-6);
  }
}

TEST(compare_and_choose) {
  const float nan = std::nanf("");
  const std::vector<float> a = {1, 2, 3, nan, 5}, b = {2, 2, 2, 2, nan};
  const uint8_t want[6][5] = {{0, 1, 0, 0, 0}, {1, 0, 1, 1, 1}, {1, 0, 0, 0, 0}, {1, 1, 0, 0, 0}, {0, 0, 1, 0, 0}, {0, 1, 1, 0, 0}};
  for (int32_t kind = 0; kind <= 5; ++kind) {
    uint8_t y[5];
    compare(kind, a.data(), b.data(), y, 1, 5, 0, 1, 0, 1);
    for (int i = 0; i < 5; ++i) EXPECT(y[i] == want[kind][i]);
  }
  float chosen[5];
  choose(want[2], a.data(), b.data(), chosen, 5);
  EXPECT(chosen[0] == 1 && chosen[1] == 2 && chosen[2] == 2 && chosen[3] == 2);
}
