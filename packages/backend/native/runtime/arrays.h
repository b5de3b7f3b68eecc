// A list of arrays, for kernels that take all parameters at once. `lengths` are in elements.
#pragma once

#include <cstdint>

namespace weft {

template <class T>
struct Arrays {
  Arrays() = default;
  Arrays(const Arrays&) = delete;
  Arrays& operator=(const Arrays&) = delete;
  ~Arrays() {
    delete[] data;
    delete[] lengths;
  }
  int64_t count = 0;
  T** data = nullptr;
  int64_t* lengths = nullptr;
};

using FloatArrays = Arrays<float>;
using IntArrays = Arrays<int32_t>;

}  // namespace weft
