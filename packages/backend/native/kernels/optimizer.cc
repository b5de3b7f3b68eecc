#include "optimizer.h"

#include "../runtime/simd.h"

namespace weft::WEFT_ISA {
namespace {

// All arrays end to end, cut into pieces of at most this many elements, each within one array.
constexpr int64_t kPiece = 32768;

int64_t pieces_of(int64_t length) { return (length + kPiece - 1) / kPiece; }

int64_t pieces_of(const FloatArrays& arrays) {
  int64_t total = 0;
  for (int64_t i = 0; i < arrays.count; ++i) total += pieces_of(arrays.lengths[i]);
  return total;
}

// fn(piece, array, begin, end) for each piece.
template <class F>
void for_pieces(const FloatArrays& arrays, F fn) {
  const int64_t total = pieces_of(arrays);
  const auto range = [&](int64_t first, int64_t last) {
    int64_t array = 0, passed = 0;
    for (int64_t piece = first; piece < last; ++piece) {
      while (piece >= passed + pieces_of(arrays.lengths[array])) passed += pieces_of(arrays.lengths[array++]);
      const int64_t begin = (piece - passed) * kPiece, length = arrays.lengths[array];
      fn(piece, array, begin, begin + kPiece < length ? begin + kPiece : length);
    }
  };
  parallel_for(total, 1, range);
}

struct Factors {
  Vec beta1, beta2, rest1, rest2, gradient, decay, step, root, epsilon;
};

WEFT_INLINE Vec adam(const Factors& f, Vec p, Vec g, Vec& m, Vec& v) {
  g = g * f.gradient;
  m = fma(f.beta1, m, f.rest1 * g);
  v = fma(f.beta2, v, f.rest2 * g * g);
  return fnma(f.step, m / fma(sqrt(v), f.root, f.epsilon), p * f.decay);
}

}  // namespace

void adam_w(const FloatArrays& parameters, const FloatArrays& gradients, const FloatArrays& means, const FloatArrays& variances,
            const double* rate, const double* decay, double beta1, double beta2, double epsilon, double step,
            double gradient_scale) {
  const double correction1 = 1 - __builtin_pow(beta1, step);
  const double correction2 = 1 - __builtin_pow(beta2, step);
  for_pieces(parameters, [&](int64_t, int64_t array, int64_t begin, int64_t end) {
    float* const p = parameters.data[array];
    const float* const g = gradients.data[array];
    float* const m = means.data[array];
    float* const v = variances.data[array];
    const auto f32 = [](double x) { return set1(static_cast<float>(x)); };
    const Factors f{f32(beta1),
                    f32(beta2),
                    f32(1 - beta1),
                    f32(1 - beta2),
                    f32(gradient_scale),
                    f32(1 - rate[array] * decay[array]),
                    f32(rate[array] / correction1),
                    f32(1 / __builtin_sqrt(correction2)),
                    f32(epsilon)};
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) {
      Vec mean = load(m + i), variance = load(v + i);
      store(p + i, adam(f, load(p + i), load(g + i), mean, variance));
      store(m + i, mean);
      store(v + i, variance);
    }
    if (i < end) {
      const int64_t left = end - i;
      Vec mean = load_n(m + i, left), variance = load_n(v + i, left);
      store_n(p + i, adam(f, load_n(p + i, left), load_n(g + i, left), mean, variance), left);
      store_n(m + i, mean, left);
      store_n(v + i, variance, left);
    }
  });
}

double global_norm(const FloatArrays& arrays) {
  const int64_t pieces = pieces_of(arrays);
  double* const squares = static_cast<double*>(scratch_bytes(kSlotKernel0, static_cast<size_t>(pieces + 1) * sizeof(double)));
  for_pieces(arrays, [&](int64_t piece, int64_t array, int64_t begin, int64_t end) {
    const float* const x = arrays.data[array];
    double total = 0;
    // Short sums in single precision, long ones in double.
    constexpr int64_t kShort = 64 * kLanes;
    for (int64_t from = begin; from < end; from += kShort) {
      const int64_t to = from + kShort < end ? from + kShort : end;
      Vec a = zero(), b = zero(), c = zero(), d = zero();
      int64_t i = from;
      for (; i + 4 * kLanes <= to; i += 4 * kLanes) {
        const Vec s = load(x + i), t = load(x + i + kLanes), u = load(x + i + 2 * kLanes), w = load(x + i + 3 * kLanes);
        a = fma(s, s, a);
        b = fma(t, t, b);
        c = fma(u, u, c);
        d = fma(w, w, d);
      }
      for (; i < to; i += kLanes) {
        const Vec s = load_n(x + i, to - i < kLanes ? to - i : kLanes);
        a = fma(s, s, a);
      }
      total += sum((a + b) + (c + d));
    }
    squares[piece] = total;
  });
  double total = 0;
  for (int64_t piece = 0; piece < pieces; ++piece) total += squares[piece];
  return __builtin_sqrt(total);
}

void accumulate(const FloatArrays& sums, const FloatArrays& addends) {
  for_pieces(sums, [&](int64_t, int64_t array, int64_t begin, int64_t end) {
    float* const to = sums.data[array];
    const float* const from = addends.data[array];
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes) store(to + i, load(to + i) + load(from + i));
    if (i < end) store_n(to + i, load_n(to + i, end - i) + load_n(from + i, end - i), end - i);
  });
}

}  // namespace weft::WEFT_ISA
