#include "convert.h"

#include "../runtime/simd.h"

namespace weft::WEFT_ISA {
namespace {

constexpr int64_t kGrain = 16384;

template <class F>
void each(int64_t n, F fn) {
  parallel_for(n, kGrain, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) fn(i);
  });
}

// Modulo 2^32 as JavaScript has it; NaN and infinity give zero.
int32_t wrap(float x) {
  if (x >= -2147483648.0f && x < 2147483648.0f) return static_cast<int32_t>(x);
  if (!(__builtin_fabsf(x) < __builtin_inff())) return 0;
  const double rest = __builtin_fmod(static_cast<double>(x), 4294967296.0);
  return static_cast<int32_t>(static_cast<uint32_t>(static_cast<int64_t>(rest)));
}

template <class L>
void widen(const uint16_t* x, float* y, int64_t n, L load_vector) {
  parallel_for(n, kGrain, [=](int64_t i, int64_t end) {
    for (; i + kLanes <= end; i += kLanes) store(y + i, load_vector(x + i));
    if (i == end) return;
    uint16_t tail[kLanes] = {};
    for (int64_t j = i; j < end; ++j) tail[j - i] = x[j];
    store_n(y + i, load_vector(tail), end - i);
  });
}

}  // namespace

void int_to_float(const int32_t* x, float* y, int64_t n) {
  each(n, [=](int64_t i) { y[i] = static_cast<float>(x[i]); });
}
void float_to_int(const float* x, int32_t* y, int64_t n) {
  each(n, [=](int64_t i) { y[i] = wrap(x[i]); });
}
void byte_to_float(const uint8_t* x, float* y, int64_t n) {
  each(n, [=](int64_t i) { y[i] = static_cast<float>(x[i]); });
}
void byte_to_int(const uint8_t* x, int32_t* y, int64_t n) {
  each(n, [=](int64_t i) { y[i] = x[i]; });
}
void float_to_bool(const float* x, uint8_t* y, int64_t n) {
  each(n, [=](int64_t i) { y[i] = x[i] != 0; });
}
void int_to_bool(const int32_t* x, uint8_t* y, int64_t n) {
  each(n, [=](int64_t i) { y[i] = x[i] != 0; });
}
void half_to_floats(const uint16_t* x, float* y, int64_t n) {
  widen(x, y, n, [](const uint16_t* p) { return load_half(p); });
}
void bfloat_to_floats(const uint16_t* x, float* y, int64_t n) {
  widen(x, y, n, [](const uint16_t* p) { return load_bfloat(p); });
}

}  // namespace weft::WEFT_ISA
