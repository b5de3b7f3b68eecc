// A list of arrays of floats, for kernels that take all parameters at once. `lengths` are in elements.
#pragma once

#include <cstdint>

namespace weft {

struct FloatArrays {
  FloatArrays() = default;
  FloatArrays(const FloatArrays&) = delete;
  FloatArrays& operator=(const FloatArrays&) = delete;
  ~FloatArrays() {
    delete[] data;
    delete[] lengths;
  }
  int64_t count = 0;
  float** data = nullptr;
  int64_t* lengths = nullptr;
};

}  // namespace weft
