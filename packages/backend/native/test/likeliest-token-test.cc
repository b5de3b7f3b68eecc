#include "../kernels/gemm.h"
#include "../kernels/likeliest-token.h"
#include "../kernels/selection.h"
#include "testing.h"

#include <cmath>
#include <limits>

using namespace weft;
using testing::Random;

namespace {
size_t sized(int64_t n) { return static_cast<size_t>(n); }

struct Case {
  int64_t m, n, k;
  std::vector<float> x, weight, bias;
  Case(int64_t m, int64_t n, int64_t k, uint64_t seed) : m(m), n(n), k(k) {
    Random random(seed);
    x = random.floats(m * k, 3);
    weight = random.floats(n * k);
    bias = random.floats(n);
  }
  void expect_same() const {
    std::vector<int32_t> coarse(sized(coarse_size(n, k)));
    coarse_weight(n, k, weight.data(), coarse.data());
    for (const float* b : {bias.data(), static_cast<const float*>(nullptr)}) {
      std::vector<float> logits(sized(m * n));
      std::vector<int32_t> want(sized(m)), got(sized(m), -1);
      batch_matmul(false, true, 1, m, n, k, x.data(), weight.data(), logits.data(), nullptr, nullptr, b, kActNone);
      arg_max(logits.data(), want.data(), m, n);
      likeliest_token(m, n, k, x.data(), weight.data(), coarse.data(), b, got.data());
      EXPECT(got == want);
    }
  }
};
}  // namespace

TEST(likeliest_token_is_that_of_all_logits) {
  for (int64_t m : {1, 2, 7, 8, 9, 15, 32, 40, 65, 130}) {
    for (int64_t n : {1, 31, 33, 512, 3001}) {
      for (int64_t k : {1, 6, 64, 130}) Case(m, n, k, static_cast<uint64_t>(m * 7919 + n * 31 + k)).expect_same();
    }
  }
  Case(3, 2000, 1600, 5).expect_same();
  Case(2, 40, (1 << 16) + 1, 7).expect_same();
  Case(33, 2000, 1600, 6).expect_same();
}

// The weight's rows differ by less than their bytes can tell, or not at all.
TEST(likeliest_token_among_near_equals) {
  for (int64_t m : {1, 4, 20}) {
    Case close(m, 1500, 64, static_cast<uint64_t>(m));
    for (int64_t j = 1; j < close.n; ++j) {
      for (int64_t i = 0; i < close.k; ++i) close.weight[sized(j * close.k + i)] = close.weight[sized(i)];
      if (j % 3 == 0) close.weight[sized(j * close.k + j % close.k)] *= 1 + 1e-6f;
    }
    std::fill(close.bias.begin(), close.bias.end(), 0.5f);
    close.expect_same();
  }
}

TEST(likeliest_token_with_outliers) {
  for (int64_t m : {1, 4, 20}) {
    Case outlying(m, 1500, 96, static_cast<uint64_t>(m + 9));
    for (int64_t r = 0; r < m; ++r) outlying.x[sized(r * outlying.k + r)] = 4000;
    for (int64_t j = 0; j < outlying.n; j += 5) outlying.weight[sized(j * outlying.k + j % outlying.k)] = 50;
    outlying.bias[7] = -std::numeric_limits<float>::infinity();
    outlying.bias[8] = 1e30f;
    outlying.expect_same();
    outlying.bias[8] = -1e30f;
    outlying.expect_same();
  }
}

TEST(likeliest_token_of_what_has_no_bytes) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinite = std::numeric_limits<float>::infinity();
  for (int64_t m : {1, 4, 20}) {
    for (float odd : {nan, infinite, -infinite, 1e30f, 1e-30f, 0.0f}) {
      Case in_x(m, 700, 32, static_cast<uint64_t>(m + 17)), in_weight = in_x, all = in_x;
      in_x.x[sized(m * 32 - 3)] = odd;
      in_x.expect_same();
      for (int64_t i = 0; i < 32; ++i) in_weight.weight[sized(5 * 32 + i)] = odd;
      in_weight.expect_same();
      std::fill(all.x.begin(), all.x.end(), odd);
      all.expect_same();
      for (float& w : all.weight) w *= 1e-25f;
      all.x = in_weight.x;
      all.expect_same();
    }
  }
}
