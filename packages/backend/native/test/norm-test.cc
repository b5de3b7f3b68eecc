#include "../kernels/norm.h"

#include <cmath>
#include <cstring>

#include "../kernels/softmax.h"
#include "../reference/norm.h"
#include "../reference/softmax.h"
#include "../runtime/parallel.h"
#include "testing.h"

using namespace weft;
using testing::Random;

namespace {
const std::vector<int64_t> kWidths = {1, 2, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 67, 129, 768};
size_t sized(int64_t n) { return static_cast<size_t>(n); }
}  // namespace

TEST(layer_norm_ragged_sizes) {
  for (int64_t width : kWidths) {
    for (int64_t rows : {1, 3, 37, 70}) {
      const int64_t n = rows * width;
      const auto x = Random(7).floats(n, 3), gamma = Random(8).floats(width, 2), beta = Random(9).floats(width), dy = Random(10).floats(n);
      std::vector<float> y(sized(n)), mean(sized(rows)), rstd(sized(rows)), dx(sized(n)), dgamma(sized(width)), dbeta(sized(width));
      std::vector<double> wy(sized(n)), wm(sized(rows)), wr(sized(rows)), wdx(sized(n)), wg(sized(width)), wb(sized(width));
      // A small variance makes the gradient large: the epsilon of real models bounds it.
      const float epsilon = width == 1 ? 1e-2f : 1e-5f;
      layer_norm(x.data(), gamma.data(), beta.data(), y.data(), mean.data(), rstd.data(), rows, width, epsilon);
      reference::layer_norm(x.data(), gamma.data(), beta.data(), wy.data(), wm.data(), wr.data(), rows, width, epsilon);
      EXPECT_CLOSE(y.data(), wy.data(), n, 4e-6, 1e-5);
      EXPECT_CLOSE(mean.data(), wm.data(), rows, 1e-6, 1e-5);
      EXPECT_CLOSE(rstd.data(), wr.data(), rows, 1e-5, 1e-4);
      layer_norm_gradient(dy.data(), x.data(), gamma.data(), mean.data(), rstd.data(), dx.data(), dgamma.data(), dbeta.data(), rows, width);
      reference::layer_norm_gradient(dy.data(), x.data(), gamma.data(), wdx.data(), wg.data(), wb.data(), rows, width, epsilon);
      EXPECT_CLOSE(dx.data(), wdx.data(), n, width < 4 ? 1e-3 : 1e-5, 1e-4);
      EXPECT_CLOSE(dgamma.data(), wg.data(), width, 2e-5, 1e-4);
      EXPECT_CLOSE(dbeta.data(), wb.data(), width, 1e-5, 1e-5);
    }
  }
}

TEST(rms_norm_ragged_sizes) {
  for (int64_t width : kWidths) {
    for (int64_t rows : {1, 3, 37, 70}) {
      const int64_t n = rows * width;
      const auto x = Random(7).floats(n, 3), gamma = Random(8).floats(width, 2), dy = Random(10).floats(n);
      std::vector<float> y(sized(n)), rstd(sized(rows)), dx(sized(n)), dgamma(sized(width));
      std::vector<double> wy(sized(n)), wr(sized(rows)), wdx(sized(n)), wg(sized(width));
      rms_norm(x.data(), gamma.data(), y.data(), rstd.data(), rows, width, 1e-2f);
      reference::rms_norm(x.data(), gamma.data(), wy.data(), wr.data(), rows, width, 1e-2f);
      EXPECT_CLOSE(y.data(), wy.data(), n, 2e-6, 1e-5);
      EXPECT_CLOSE(rstd.data(), wr.data(), rows, 1e-6, 1e-5);
      rms_norm_gradient(dy.data(), x.data(), gamma.data(), rstd.data(), dx.data(), dgamma.data(), rows, width);
      reference::rms_norm_gradient(dy.data(), x.data(), gamma.data(), wdx.data(), wg.data(), rows, width, 1e-2f);
      EXPECT_CLOSE(dx.data(), wdx.data(), n, 1e-5, 1e-4);
      EXPECT_CLOSE(dgamma.data(), wg.data(), width, 1e-5, 1e-4);
    }
  }
}

TEST(norm_gradients_same_bits_on_any_number_of_threads) {
  const int64_t rows = 100, width = 300, n = rows * width;
  const auto x = Random(1).floats(n), dy = Random(2).floats(n), gamma = Random(3).floats(width), mean = Random(4).floats(rows), rstd = Random(5).floats(rows);
  std::vector<float> dx(sized(n)), first(sized(2 * width)), again(sized(2 * width));
  const int threads = num_threads();
  layer_norm_gradient(dy.data(), x.data(), gamma.data(), mean.data(), rstd.data(), dx.data(), first.data(), first.data() + width, rows, width);
  set_num_threads(3);
  layer_norm_gradient(dy.data(), x.data(), gamma.data(), mean.data(), rstd.data(), dx.data(), again.data(), again.data() + width, rows, width);
  set_num_threads(threads);
  EXPECT(std::memcmp(first.data(), again.data(), first.size() * sizeof(float)) == 0);
}

TEST(norm_carries_nan_in_its_row_alone) {
  std::vector<float> x(3 * 20, 1.0f), gamma(20, 1.0f), y(60), mean(3), rstd(3);
  for (int i = 0; i < 60; ++i) x[i] = static_cast<float>(i % 7);
  x[25] = std::nanf("");
  layer_norm(x.data(), gamma.data(), gamma.data(), y.data(), mean.data(), rstd.data(), 3, 20, 1e-5f);
  EXPECT(std::isnan(y[20]) && std::isnan(y[39]) && !std::isnan(y[19]) && !std::isnan(y[40]));
}

TEST(softmax_ragged_sizes) {
  for (int64_t width : {1, 2, 7, 15, 16, 17, 33, 67, 129, 5000}) {
    for (int64_t rows : {1, 5, 40}) {
      const int64_t n = rows * width;
      const auto x = Random(3).floats(n, 20);
      std::vector<float> y(sized(n)), logs(sized(n));
      std::vector<double> wy(sized(n)), wl(sized(n));
      softmax(x.data(), y.data(), rows, width);
      log_softmax(x.data(), logs.data(), rows, width);
      reference::softmax(x.data(), wy.data(), rows, width);
      reference::log_softmax(x.data(), wl.data(), rows, width);
      EXPECT_CLOSE(y.data(), wy.data(), n, 1e-7, 4e-6);
      EXPECT_CLOSE(logs.data(), wl.data(), n, 1e-6, 2e-6);
    }
  }
}

TEST(softmax_nan_and_infinity) {
  const float inf = INFINITY, nan = std::nanf("");
  for (int64_t width : {5, 40}) {
    std::vector<float> x(sized(4 * width), 0.5f), y(x.size());
    x[2] = nan;
    x[width + 3] = -inf;
    for (int64_t i = 0; i < width; ++i) x[2 * width + i] = -inf;
    x[3 * width + 1] = inf;
    softmax(x.data(), y.data(), 4, width);
    EXPECT(std::isnan(y[0]) && std::isnan(y[2]));
    EXPECT(y[width + 3] == 0 && std::fabs(y[width] - 1.0f / static_cast<float>(width - 1)) < 1e-6f);
    EXPECT(std::isnan(y[2 * width]) && std::isnan(y[3 * width + 1]));
  }
}
