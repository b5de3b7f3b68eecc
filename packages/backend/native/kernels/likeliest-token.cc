#include "likeliest-token.h"

#include "../runtime/parallel.h"
#include "coarse.h"
#include "gemm.h"
#include "quantized-linear.h"
#include "selection.h"
#if defined(WEFT_ISA_AVX512)
#include "coarse-vnni.h"
#endif

namespace weft::WEFT_ISA {
namespace {

// Columns that are looked through at a time, by one thread: their coarse logits stay in its cache.
constexpr int64_t kChunk = 16 * kCoarseColumns;
// Rows up to which reading the weight is what takes the time.
constexpr int64_t kFewRows = 8;
// Rows of x that are looked at together, so that their coarse logits take little memory.
constexpr int64_t kMostRows = 64;
// The deepest weight whose byte products cannot overflow, and whose norms are surely within their factor.
constexpr int64_t kDeepest = 1 << 16;
// Of the rows of x: what one digit may lose for a second one not to pay.
constexpr float kOneDigit = 0.02f;

struct Problem {
  int64_t m, n, k;
  const float* x;
  const float* weight;
  const float* bias;
  int64_t chunks() const { return (n + kChunk - 1) / kChunk; }
};

// How far a coarse logit may be from one in float32: `error` times the row's error in the weight, `norm` times its norm.
struct Bounds {
  const float* error;
  const float* norm;
};

// Rounding, of the multiplication in float32, of the coarse one and of these bounds, relative to the product of the norms.
float rounding(int64_t k) { return static_cast<float>(k + 64) * 2.4e-7f; }

void with_all_logits(const Problem& p, float* logits, int32_t* tokens) {
  batch_matmul(false, true, 1, p.m, p.n, p.k, p.x, p.weight, logits, nullptr, nullptr, p.bias, kActNone);
  arg_max(logits, tokens, p.m, p.n);
}

// Coarse products of a chunk become the most that the logits can be; the greatest of the least that they can be, of each row.
void bound_chunk(const Problem& p, const Coarse& coarse, const Bounds& bounds, int64_t chunk, float* most, float* least) {
  const int64_t from = chunk * kChunk, to = from + kChunk < p.n ? from + kChunk : p.n;
  for (int64_t r = 0; r < p.m; ++r) {
    const Vec error = set1(bounds.error[r]), norm = set1(bounds.norm[r]), slight = set1(1e-6f);
    float* const row = most + r * p.n;
    Vec best = set1(-__builtin_inff());
    const auto step = [&](int64_t j, Vec product, Vec bias) {
      const Vec value = product + bias;
      const Vec within = fma(error, load(coarse.error + j), fma(norm, load(coarse.norm + j), abs(bias) * slight));
      // max(new, best) keeps best where new is NaN.
      best = max(value - within, best);
      return value + within;
    };
    int64_t j = from;
    for (; j + kLanes <= to; j += kLanes) store(row + j, step(j, load(row + j), p.bias == nullptr ? zero() : load(p.bias + j)));
    if (j < to) {
      const Vec before = best;
      const Vec last = step(j, load_n(row + j, to - j), p.bias == nullptr ? zero() : load_n(p.bias + j, to - j));
      float lanes[kLanes];
      store(lanes, best);
      float greatest = hmax(before);
      for (int64_t i = 0; i < to - j; ++i) greatest = lanes[i] > greatest ? lanes[i] : greatest;
      best = set1(greatest);
      store_n(row + j, last, to - j);
    }
    least[chunk * p.m + r] = hmax(best);
  }
}

// The columns of a chunk that may hold a row's greatest logit, in order; returns how many.
int64_t candidates_of(const Problem& p, int64_t chunk, const float* most, const float* greatest, int32_t* found) {
  const int64_t from = chunk * kChunk, to = from + kChunk < p.n ? from + kChunk : p.n;
  int64_t count = 0;
  for (int64_t j = from; j < to; j += kLanes) {
    const int64_t width = to - j < kLanes ? to - j : kLanes;
    uint32_t none = ~0u;
    for (int64_t r = 0; r < p.m; ++r) none &= bits(lt(load_n(most + r * p.n + j, width), set1(greatest[r])));
    for (uint32_t left = ~none & ((uint32_t{1} << width) - 1); left != 0; left &= left - 1) {
      found[count++] = static_cast<int32_t>(j + __builtin_ctz(left));
    }
  }
  return count;
}

// Multiplies the columns that are left in float32.
void among(const Problem& p, const int32_t* columns, int64_t count, int32_t* tokens) {
  float* const rows = scratch(kSlotKernel1, count * (p.k + 1 + p.m));
  float* const biases = rows + count * p.k;
  float* const logits = biases + count;
  parallel_for(count, 64, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      __builtin_memcpy(rows + i * p.k, p.weight + columns[i] * p.k, static_cast<size_t>(p.k) * sizeof(float));
      if (p.bias != nullptr) biases[i] = p.bias[columns[i]];
    }
  });
  batch_matmul(false, true, 1, p.m, count, p.k, p.x, rows, logits, nullptr, nullptr, p.bias == nullptr ? nullptr : biases, kActNone);
  arg_max(logits, tokens, p.m, count);
  for (int64_t r = 0; r < p.m; ++r) tokens[r] = columns[tokens[r]];
}

// False where a row holds NaN, infinity, or nothing that its bytes could show.
bool usable_rows(const Problem& p) {
  for (int64_t r = 0; r < p.m; ++r) {
    Vec total = zero();
    const float* const row = p.x + r * p.k;
    for (int64_t i = 0; i < p.k; i += kLanes) {
      const Vec v = p.k - i < kLanes ? load_n(row + i, p.k - i) : load(row + i);
      total = total + (v - v);
    }
    if (sum(total) != 0.0f || largest_magnitude(row, p.k) < kSmallestMagnitude) return false;
  }
  return true;
}

#if defined(WEFT_ISA_AVX512)
// Bounds of all coarse products, chunk by chunk as they are made.
void coarse_products(const Problem& p, const Coarse& coarse, float* most, float* least) {
  const int64_t depth = coarse_depth(p.k);
  float* const numbers = scratch(kSlotKernel2, 3 * p.m);
  float *const error = numbers, *const norm = numbers + p.m, *const scales = norm + p.m;
  int8_t* const bytes = static_cast<int8_t*>(scratch_bytes(kSlotKernel3, static_cast<size_t>(2 * p.m * (depth + 4))));
  int32_t* const starts = reinterpret_cast<int32_t*>(bytes + 2 * p.m * depth);
  // norm: what is lost of x; error: x's norm.
  int64_t digits = p.m <= kFewRows ? 2 : 1;
  ByteRows x = split_rows(p.x, p.m, p.k, digits, norm, error, bytes, starts, scales);
  for (int64_t r = 0; r < p.m && digits == 1; ++r) {
    if (norm[r] > kOneDigit * error[r]) digits = 2;
  }
  if (digits != x.digits) x = split_rows(p.x, p.m, p.k, digits, norm, error, bytes, starts, scales);
  for (int64_t r = 0; r < p.m; ++r) norm[r] += error[r] * rounding(p.k);
  parallel_tasks(p.chunks(), [=](int64_t chunk) {
    const int64_t end = (chunk + 1) * kChunk < p.n ? (chunk + 1) * kChunk : p.n;
    for (int64_t column = chunk * kChunk; column < end; column += kCoarseColumns) byte_products(x, coarse, column, p.n, most);
    bound_chunk(p, coarse, {error, norm}, chunk, most, least);
  });
}
#else
void coarse_products(const Problem& p, const Coarse& coarse, float* most, float* least) {
  float* const error = scratch(kSlotKernel2, 2 * p.m);
  float* const norm = error + p.m;
  for (int64_t r = 0; r < p.m; ++r) {
    double squares = 0;
    for (int64_t i = 0; i < p.k; ++i) squares += static_cast<double>(p.x[r * p.k + i]) * static_cast<double>(p.x[r * p.k + i]);
    error[r] = static_cast<float>(__builtin_sqrt(squares)) * kUpwards;
    norm[r] = error[r] * rounding(p.k);
  }
  quantized_linear(p.m, p.n, p.k, p.k, p.x, reinterpret_cast<const int32_t*>(coarse.bytes), coarse.scale, nullptr, most, kActNone);
  parallel_tasks(p.chunks(), [=](int64_t chunk) { bound_chunk(p, coarse, {error, norm}, chunk, most, least); });
}
#endif

void tokens_of(const Problem& p, const Coarse& coarse, int32_t* tokens) {
  const int64_t m = p.m, n = p.n, chunks = p.chunks();
  float* const most = scratch(kSlotKernel0, m * n);
#if defined(WEFT_ISA_AVX512)
  const bool suits = p.k > 0 && p.k <= kDeepest;
#else
  const bool suits = p.k > 0 && p.k <= kDeepest && m <= kFewRows;
#endif
  if (!suits || *coarse.usable == 0 || !usable_rows(p)) return with_all_logits(p, most, tokens);

  float* const least = scratch(kSlotStep, (chunks + 1) * m);
  float* const greatest = least + chunks * m;
  coarse_products(p, coarse, most, least);
  for (int64_t r = 0; r < m; ++r) {
    greatest[r] = least[r];
    for (int64_t chunk = 1; chunk < chunks; ++chunk) {
      if (least[chunk * m + r] > greatest[r]) greatest[r] = least[chunk * m + r];
    }
  }
  // Each chunk's finds stand where its columns would.
  int32_t* const found = static_cast<int32_t*>(scratch_bytes(kSlotKernel2, static_cast<size_t>(n + chunks) * sizeof(int32_t)));
  int32_t* const counts = found + n;
  parallel_for(chunks, 4, [=](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      counts[chunk] = static_cast<int32_t>(candidates_of(p, chunk, most, greatest, found + chunk * kChunk));
    }
  });
  int64_t count = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    for (int32_t i = 0; i < counts[chunk]; ++i) found[count++] = found[chunk * kChunk + i];
  }
  if (count == 0 || count > n / 4) return with_all_logits(p, most, tokens);
  among(p, found, count, tokens);
}

}  // namespace

int64_t coarse_size(int64_t n, int64_t k) { return 16 + 3 * coarse_rows(n) + (coarse_rows(n) * coarse_depth(k) + 3) / 4; }

void coarse_weight(int64_t n, int64_t k, const float* weight, int32_t* coarse) {
  const NewCoarse to(n, coarse);
  parallel_for(coarse_rows(n) / kCoarseColumns, 1, [=](int64_t begin, int64_t end) {
    // Room for whole vectors.
    int8_t* const row = static_cast<int8_t*>(scratch_bytes(kSlotKernel0, static_cast<size_t>(k + kLanes + 4)));
    for (int64_t j = begin * kCoarseColumns; j < end * kCoarseColumns; ++j) {
      if (j >= n) {
        to.scale[j] = to.error[j] = to.norm[j] = 0;
        continue;
      }
      const float* const from = weight + j * k;
      const Differences differences = round_row(from, k, largest_magnitude(from, k), row);
      to.scale[j] = differences.scale;
      to.error[j] = differences.error;
      to.norm[j] = differences.norm;
#if defined(WEFT_ISA_AVX512)
      const int64_t depth = coarse_depth(k);
      int8_t* const tile = to.bytes + j / 16 * 16 * depth + j % 16 * 4;
      for (int64_t p = k; p < depth; ++p) row[p] = 0;
      for (int64_t p = 0; p < depth; p += 4) {
        uint32_t four;
        __builtin_memcpy(&four, row + p, sizeof four);
        four ^= 0x80808080u;
        __builtin_memcpy(tile + 16 * p, &four, sizeof four);
      }
#else
      __builtin_memcpy(to.bytes + j * k, row, static_cast<size_t>(k));
#endif
    }
  });
  bool usable = true;
  for (int64_t j = 0; j < n; ++j) usable = usable && to.error[j] - to.error[j] == 0 && to.norm[j] - to.norm[j] == 0;
  *to.usable = usable;
}

void likeliest_token(int64_t m, int64_t n, int64_t k, const float* x, const float* weight, const int32_t* copy, const float* bias,
                     int32_t* tokens) {
  if (m <= 0 || n <= 0) return;
  const Coarse coarse(n, copy);
  // Cut evenly: fewer than kFewRows at the end would be multiplied another way, to other bits.
  const int64_t blocks = (m + kMostRows - 1) / kMostRows;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t first = m * i / blocks, rows = m * (i + 1) / blocks - first;
    tokens_of({rows, n, k, x + first * k, weight, bias}, coarse, tokens + first);
  }
}

}  // namespace weft::WEFT_ISA
