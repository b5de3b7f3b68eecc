#include "selection.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace weft::reference {

void arg_max(const float* x, int32_t* index, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r) {
    index[r] = 0;
    for (int64_t i = 1; i < columns; ++i) {
      if (x[r * columns + i] > x[r * columns + index[r]]) index[r] = static_cast<int32_t>(i);
    }
  }
}

void top_k(const float* x, float* values, int32_t* indices, int64_t rows, int64_t columns, int64_t k) {
  for (int64_t r = 0; r < rows; ++r) {
    std::vector<int32_t> order(static_cast<size_t>(columns));
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return x[r * columns + a] > x[r * columns + b]; });
    for (int64_t i = 0; i < k; ++i) {
      indices[r * k + i] = order[static_cast<size_t>(i)];
      values[r * k + i] = x[r * columns + order[static_cast<size_t>(i)]];
    }
  }
}

}  // namespace weft::reference
