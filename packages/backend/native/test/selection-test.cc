#include "testing.h"

#include <cmath>
#include <limits>

#include "../kernels/selection.h"
#include "../reference/selection.h"

using namespace weft;
using testing::Random;

TEST(arg_max_ragged_with_equals) {
  for (int64_t columns : {1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 1000}) {
    for (int64_t rows : {1, 3, 17}) {
      Random random(static_cast<uint64_t>(columns * 31 + rows));
      auto x = random.floats(rows * columns);
      for (float& v : x) v = std::round(v * 4);
      std::vector<int32_t> got(static_cast<size_t>(rows)), want = got;
      arg_max(x.data(), got.data(), rows, columns);
      reference::arg_max(x.data(), want.data(), rows, columns);
      EXPECT(got == want);
    }
  }
}

TEST(arg_max_of_nan_and_infinity) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  for (int64_t at : {0, 1, 5, 20, 36}) {
    std::vector<float> x(37, -inf);
    x[static_cast<size_t>(at)] = nan;
    x[30] = 2;
    int32_t got, want;
    arg_max(x.data(), &got, 1, 37);
    reference::arg_max(x.data(), &want, 1, 37);
    EXPECT(got == want);
  }
  EXPECT(has_nan(&nan, 1) && !has_nan(&inf, 1));
}

TEST(top_k_ragged_with_equals) {
  for (int64_t columns : {1, 5, 16, 33, 500}) {
    for (int64_t k : {1, 2, 5, 50, 500}) {
      if (k > columns) continue;
      const int64_t rows = 3;
      Random random(static_cast<uint64_t>(columns * 7 + k));
      auto x = random.floats(rows * columns);
      if (k % 2 == 0) {
        for (float& v : x) v = std::round(v * 8);
      }
      std::vector<float> values(static_cast<size_t>(rows * k)), want_values = values;
      std::vector<int32_t> indices(values.size()), want_indices = indices;
      top_k(x.data(), values.data(), indices.data(), rows, columns, k);
      reference::top_k(x.data(), want_values.data(), want_indices.data(), rows, columns, k);
      EXPECT(values == want_values);
      EXPECT(indices == want_indices);
    }
  }
}
