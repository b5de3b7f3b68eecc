#include <cmath>
#include <cstring>

#include "../kernels/cross-entropy.h"
#include "../kernels/embedding.h"
#include "../reference/cross-entropy.h"
#include "../reference/gemm.h"
#include "../runtime/parallel.h"
#include "testing.h"

using namespace weft;
using testing::Random;

namespace {

size_t sized(int64_t n) { return static_cast<size_t>(n); }

std::vector<int32_t> labels_for(int64_t rows, int64_t classes) {
  Random random(5);
  std::vector<int32_t> labels(sized(rows));
  for (auto& label : labels) label = static_cast<int32_t>(random.below(classes));
  if (rows > 2) labels[1] = -100;
  return labels;
}

void check(int64_t rows, int64_t classes, float smoothing, bool mean) {
  const int64_t n = rows * classes;
  const auto x = Random(static_cast<uint64_t>(n)).floats(n, 8);
  const auto labels = labels_for(rows, classes);
  std::vector<double> want(sized(n));
  const double loss = reference::cross_entropy(x.data(), labels.data(), want.data(), rows, classes, -100, smoothing, mean);
  std::vector<float> lse(sized(rows)), dx(sized(n));
  float got;
  const float one = 1;
  EXPECT(cross_entropy(x.data(), labels.data(), &got, lse.data(), rows, classes, -100, smoothing, mean) == -1);
  EXPECT_CLOSE(&got, &loss, 1, 1e-6, 1e-6);
  cross_entropy_gradient(x.data(), labels.data(), lse.data(), &one, dx.data(), rows, classes, -100, smoothing, mean);
  EXPECT_CLOSE(dx.data(), want.data(), n, 3e-7, 5e-6);
}

void check_linear(int64_t rows, int64_t width, int64_t classes, bool with_bias, float smoothing) {
  const auto h = Random(1).floats(rows * width), w = Random(2).floats(classes * width), bias = Random(3).floats(classes);
  const auto labels = labels_for(rows, classes);
  std::vector<double> exact(sized(rows * classes)), dlogits(sized(rows * classes));
  reference::matmul(false, true, rows, classes, width, h.data(), w.data(), exact.data(), with_bias ? bias.data() : nullptr, 0);
  const std::vector<float> logits(exact.begin(), exact.end());
  const double loss = reference::cross_entropy(logits.data(), labels.data(), dlogits.data(), rows, classes, -100, smoothing, true);
  const std::vector<float> d(dlogits.begin(), dlogits.end());
  std::vector<double> dh(h.size()), dw(w.size()), db(sized(classes));
  reference::matmul(false, false, rows, width, classes, d.data(), w.data(), dh.data(), nullptr, 0);
  reference::matmul(true, false, classes, width, rows, d.data(), h.data(), dw.data(), nullptr, 0);
  for (int64_t i = 0; i < rows * classes; ++i) db[i % classes] += d[i];
  std::vector<float> gh(h.size(), -1), gw(w.size(), -1), gb(sized(classes), -1);
  float got;
  EXPECT(linear_cross_entropy(h.data(), w.data(), labels.data(), with_bias ? bias.data() : nullptr, &got, gh.data(), gw.data(),
                              with_bias ? gb.data() : nullptr, rows, width, classes, -100, smoothing, true) == -1);
  EXPECT_CLOSE(&got, &loss, 1, 1e-6, 1e-5);
  EXPECT_CLOSE(gh.data(), dh.data(), rows * width, 2e-6, 1e-4);
  EXPECT_CLOSE(gw.data(), dw.data(), classes * width, 2e-6, 1e-4);
  if (with_bias) EXPECT_CLOSE(gb.data(), db.data(), classes, 2e-6, 1e-4);
  float alone;
  linear_cross_entropy(h.data(), w.data(), labels.data(), with_bias ? bias.data() : nullptr, &alone, nullptr, nullptr, nullptr, rows,
                       width, classes, -100, smoothing, true);
  EXPECT(alone == got);
}

}  // namespace

TEST(cross_entropy_ragged_sizes) {
  for (int64_t classes : {1, 2, 3, 7, 15, 16, 17, 33, 67, 2047, 2049, 5001}) {
    for (int64_t rows : {1, 5, 33}) {
      check(rows, classes, 0, true);
      check(rows, classes, 0.1f, true);
      check(rows, classes, 0, false);
    }
  }
}

TEST(cross_entropy_odd_labels) {
  const std::vector<float> x(12, 0.0f);
  float loss, lse[3];
  const int32_t bad[3] = {0, 4, 1}, negative[3] = {0, 1, -3}, none[3] = {-100, -100, -100};
  EXPECT(cross_entropy(x.data(), bad, &loss, lse, 3, 4, -100, 0, true) == 1);
  EXPECT(cross_entropy(x.data(), negative, &loss, lse, 3, 4, -100, 0, true) == 2);
  EXPECT(cross_entropy(x.data(), none, &loss, lse, 3, 4, -100, 0, true) == -1 && std::isnan(loss));
  EXPECT(cross_entropy(x.data(), none, &loss, lse, 3, 4, -100, 0, false) == -1 && loss == 0);
}

TEST(cross_entropy_of_ignored_rows_that_are_not_finite) {
  std::vector<float> x(20, 0.0f), dx(20, 9.0f);
  for (int i = 10; i < 20; ++i) x[i] = std::nanf("");
  const int32_t labels[2] = {3, -100};
  float loss, lse[2];
  const float one = 1;
  cross_entropy(x.data(), labels, &loss, lse, 2, 10, -100, 0, true);
  EXPECT(std::fabs(loss - std::log(10.0f)) < 1e-6f);
  cross_entropy_gradient(x.data(), labels, lse, &one, dx.data(), 2, 10, -100, 0, true);
  for (int i = 10; i < 20; ++i) EXPECT(dx[i] == 0);
}

TEST(linear_cross_entropy_ragged_sizes) {
  for (int64_t rows : {1, 3, 37, 130}) {
    for (int64_t classes : {2, 17, 301}) {
      check_linear(rows, 19, classes, true, 0);
      check_linear(rows, 64, classes, false, 0.1f);
    }
  }
}

TEST(linear_cross_entropy_in_chunks) { check_linear(70, 3, 450001, true, 0); }

TEST(embedding_rows_and_scatter_add) {
  for (int64_t width : {1, 3, 16, 17, 33, 100}) {
    const int64_t size = 13, count = 57;
    const auto table = Random(1).floats(size * width), dy = Random(2).floats(count * width);
    std::vector<int32_t> ids(sized(count));
    Random random(3);
    for (auto& id : ids) id = static_cast<int32_t>(random.below(size - 2));
    std::vector<float> y(sized(count * width)), dw(sized(size * width), 5);
    std::vector<double> want(dw.size());
    EXPECT(gather(table.data(), ids.data(), y.data(), 1, size, width, count) == -1);
    for (int64_t i = 0; i < count; ++i) {
      EXPECT(std::memcmp(&y[i * width], &table[ids[i] * width], sized(width) * sizeof(float)) == 0);
      if (ids[i] == 4) continue;
      for (int64_t j = 0; j < width; ++j) want[ids[i] * width + j] += dy[i * width + j];
    }
    EXPECT(embedding_gradient(ids.data(), dy.data(), dw.data(), size, width, count, 4) == -1);
    EXPECT_CLOSE(dw.data(), want.data(), size * width, 1e-6, 1e-5);
    ids[20] = static_cast<int32_t>(size);
    EXPECT(gather(table.data(), ids.data(), y.data(), 1, size, width, count) == 20);
    EXPECT(embedding_gradient(ids.data(), dy.data(), dw.data(), size, width, count, -1) == 20);
    ids[20] = -1;
    EXPECT(gather(table.data(), ids.data(), y.data(), 1, size, width, count) == 20);
  }
}

TEST(embedding_gradient_same_bits_on_any_number_of_threads) {
  const int64_t size = 500, width = 64, count = 3000;
  const auto dy = Random(2).floats(count * width);
  std::vector<int32_t> ids(sized(count));
  Random random(3);
  for (auto& id : ids) id = static_cast<int32_t>(random.below(size));
  std::vector<float> first(sized(size * width)), again(sized(size * width));
  const int threads = num_threads();
  embedding_gradient(ids.data(), dy.data(), first.data(), size, width, count, -1);
  set_num_threads(3);
  embedding_gradient(ids.data(), dy.data(), again.data(), size, width, count, -1);
  set_num_threads(threads);
  EXPECT(std::memcmp(first.data(), again.data(), first.size() * sizeof(float)) == 0);
}

TEST(gather_along_a_middle_axis) {
  const float x[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};  // [2, 3, 2]
  const int32_t ids[2] = {2, 0};
  float y[8];
  gather(x, ids, y, 2, 3, 2, 2);
  const float want[8] = {4, 5, 0, 1, 10, 11, 6, 7};
  EXPECT(std::memcmp(y, want, sizeof(want)) == 0);
}
