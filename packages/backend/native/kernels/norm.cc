#include "norm.h"

#include "../runtime/simd.h"

namespace weft::WEFT_ISA {
namespace {

// Parts into which the rows are cut for the gradients of gamma and beta: it depends on the sizes alone.
constexpr int64_t kParts = 16;
constexpr int64_t kRowsOfPart = 16;

WEFT_INLINE Vec load_up_to(const float* p, int64_t left) { return left >= kLanes ? load(p) : load_n(p, left); }
WEFT_INLINE void store_up_to(float* p, Vec a, int64_t left) {
  if (left >= kLanes) {
    store(p, a);
  } else {
    store_n(p, a, left);
  }
}

int64_t grain(int64_t width) { return 16384 / (width + 1) + 1; }

// sum(f(vector at i)) over [0, n): four sums side by side. Beyond n, f is given whole vectors only of what exists.
template <class F>
WEFT_INLINE float reduce(int64_t n, F f) {
  Vec a = zero(), b = zero(), c = zero(), d = zero();
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    a += f(i, kLanes);
    b += f(i + kLanes, kLanes);
    c += f(i + 2 * kLanes, kLanes);
    d += f(i + 3 * kLanes, kLanes);
  }
  for (; i + kLanes <= n; i += kLanes) a += f(i, kLanes);
  float total = sum((a + b) + (c + d));
  if (i < n) {
    float tail[kLanes];
    store(tail, f(i, n - i));
    for (int64_t j = 0; j < n - i; ++j) total += tail[j];
  }
  return total;
}

void sum_parts(const float* partial, int64_t parts, int64_t width, float* to) {
  parallel_for(width, 4096, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += kLanes) {
      Vec total = load_up_to(partial + i, end - i);
      for (int64_t p = 1; p < parts; ++p) total += load_up_to(partial + p * width + i, end - i);
      store_up_to(to + i, total, end - i);
    }
  });
}

int64_t parts_of(int64_t rows) {
  const int64_t parts = (rows + kRowsOfPart - 1) / kRowsOfPart;
  return parts < 1 ? 1 : parts > kParts ? kParts : parts;
}

void clear(float* p, int64_t n) {
  for (int64_t i = 0; i < n; ++i) p[i] = 0;
}

}  // namespace

void layer_norm(const float* x, const float* gamma, const float* beta, float* y, float* mean, float* rstd, int64_t rows,
                int64_t width, float epsilon) {
  parallel_for(rows, grain(width), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* const row = x + r * width;
      float* const out = y + r * width;
      const float m = reduce(width, [=](int64_t i, int64_t n) { return load_up_to(row + i, n); }) / static_cast<float>(width);
      const Vec middle = set1(m);
      const float variance = reduce(width, [=](int64_t i, int64_t n) {
                               const Vec centred = load_up_to(row + i, n) - middle;
                               return centred * centred;
                             }) / static_cast<float>(width);
      const float scale = 1.0f / __builtin_sqrtf(variance + epsilon);
      mean[r] = m;
      rstd[r] = scale;
      const Vec factor = set1(scale);
      int64_t i = 0;
      for (; i + kLanes <= width; i += kLanes) {
        store(out + i, fma((load(row + i) - middle) * factor, load(gamma + i), load(beta + i)));
      }
      const int64_t left = width - i;
      if (left > 0) {
        store_n(out + i, fma((load_n(row + i, left) - middle) * factor, load_n(gamma + i, left), load_n(beta + i, left)), left);
      }
    }
  });
}

void layer_norm_gradient(const float* dy, const float* x, const float* gamma, const float* mean, const float* rstd, float* dx,
                         float* dgamma, float* dbeta, int64_t rows, int64_t width) {
  const int64_t parts = parts_of(rows);
  float* const gammas = scratch(kSlotKernel0, 2 * parts * width);
  float* const betas = gammas + parts * width;
  const auto part = [=](int64_t p) {
    float* const dg = gammas + p * width;
    float* const db = betas + p * width;
    clear(dg, width);
    clear(db, width);
    for (int64_t r = rows * p / parts; r < rows * (p + 1) / parts; ++r) {
      const float* const in = x + r * width;
      const float* const up = dy + r * width;
      float* const out = dx + r * width;
      const Vec middle = set1(mean[r]), scale = set1(rstd[r]);
      Vec sum_g = zero(), sum_gx = zero();
      for (int64_t i = 0; i < width; i += kLanes) {
        const int64_t left = width - i;
        const Vec d = load_up_to(up + i, left);
        Vec normal = (load_up_to(in + i, left) - middle) * scale;
        // Beyond the row d is zero, but zero times an infinite rstd * mean would not be.
        if (left < kLanes) normal = select(eq(d, zero()), zero(), normal);
        const Vec g = d * load_up_to(gamma + i, left);
        store_up_to(dg + i, fma(d, normal, load_up_to(dg + i, left)), left);
        store_up_to(db + i, load_up_to(db + i, left) + d, left);
        sum_g += g;
        sum_gx = fma(g, normal, sum_gx);
      }
      const float inverse = 1.0f / static_cast<float>(width);
      const Vec mean_g = set1(sum(sum_g) * inverse), mean_gx = set1(sum(sum_gx) * inverse);
      for (int64_t i = 0; i < width; i += kLanes) {
        const int64_t left = width - i;
        const Vec normal = (load_up_to(in + i, left) - middle) * scale;
        const Vec g = load_up_to(up + i, left) * load_up_to(gamma + i, left);
        store_up_to(out + i, scale * (g - mean_g - normal * mean_gx), left);
      }
    }
  };
  if (rows * width < 16384) {
    for (int64_t p = 0; p < parts; ++p) part(p);
  } else {
    parallel_tasks(parts, part);
  }
  sum_parts(gammas, parts, width, dgamma);
  sum_parts(betas, parts, width, dbeta);
}

void rms_norm(const float* x, const float* gamma, float* y, float* rstd, int64_t rows, int64_t width, float epsilon) {
  parallel_for(rows, grain(width), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* const row = x + r * width;
      float* const out = y + r * width;
      const float square = reduce(width, [=](int64_t i, int64_t n) {
                             const Vec v = load_up_to(row + i, n);
                             return v * v;
                           }) / static_cast<float>(width);
      const float scale = 1.0f / __builtin_sqrtf(square + epsilon);
      rstd[r] = scale;
      const Vec factor = set1(scale);
      for (int64_t i = 0; i < width; i += kLanes) {
        const int64_t left = width - i;
        store_up_to(out + i, load_up_to(row + i, left) * factor * load_up_to(gamma + i, left), left);
      }
    }
  });
}

void rms_norm_gradient(const float* dy, const float* x, const float* gamma, const float* rstd, float* dx, float* dgamma,
                       int64_t rows, int64_t width) {
  const int64_t parts = parts_of(rows);
  float* const gammas = scratch(kSlotKernel0, parts * width);
  const auto part = [=](int64_t p) {
    float* const dg = gammas + p * width;
    clear(dg, width);
    for (int64_t r = rows * p / parts; r < rows * (p + 1) / parts; ++r) {
      const float* const in = x + r * width;
      const float* const up = dy + r * width;
      float* const out = dx + r * width;
      const Vec scale = set1(rstd[r]);
      Vec sum_gx = zero();
      for (int64_t i = 0; i < width; i += kLanes) {
        const int64_t left = width - i;
        const Vec d = load_up_to(up + i, left), normal = load_up_to(in + i, left) * scale;
        store_up_to(dg + i, fma(d, normal, load_up_to(dg + i, left)), left);
        sum_gx = fma(d * load_up_to(gamma + i, left), normal, sum_gx);
      }
      const Vec mean_gx = set1(sum(sum_gx) / static_cast<float>(width));
      for (int64_t i = 0; i < width; i += kLanes) {
        const int64_t left = width - i;
        const Vec normal = load_up_to(in + i, left) * scale;
        const Vec g = load_up_to(up + i, left) * load_up_to(gamma + i, left);
        store_up_to(out + i, scale * (g - normal * mean_gx), left);
      }
    }
  };
  if (rows * width < 16384) {
    for (int64_t p = 0; p < parts; ++p) part(p);
  } else {
    parallel_tasks(parts, part);
  }
  sum_parts(gammas, parts, width, dgamma);
}

}  // namespace weft::WEFT_ISA
