#include "cross-entropy.h"

#include "gemm.h"
#include "softmax-row.h"

namespace weft::WEFT_ISA {
namespace {

struct Task {
  int64_t classes;
  int32_t ignored;
  float smoothing;
};

// Logits of one chunk of the joint layer: few enough bytes to be kept, enough rows for the multiplication.
constexpr int64_t kChunkFloats = 17 << 20;

int64_t bad_label(const int32_t* labels, int64_t rows, const Task& task) {
  for (int64_t r = 0; r < rows; ++r) {
    if (labels[r] != task.ignored && (labels[r] < 0 || labels[r] >= task.classes)) return r;
  }
  return -1;
}

int64_t counted(const int32_t* labels, int64_t rows, int32_t ignored) {
  int64_t count = 0;
  for (int64_t r = 0; r < rows; ++r) count += labels[r] != ignored;
  return count;
}

double row_mean(const float* x, int64_t n) {
  double total = 0;
  for (int64_t from = 0; from < n; from += 4096) {
    const int64_t to = n - from < 4096 ? n : from + 4096;
    Vec a = zero();
    int64_t i = from;
    for (; i + kLanes <= to; i += kLanes) a += load(x + i);
    for (; i < to; ++i) total += x[i];
    total += sum(a);
  }
  return total / static_cast<double>(n);
}

// The loss of one row, and its logarithm of the sum of exponentials.
double row_loss(const float* x, int32_t label, const Task& task, float* log_sum_exp) {
  float best;
  double total;
  log_sum_exp_parts(x, task.classes, &best, &total);
  const double lse = static_cast<double>(best) + __builtin_log(total);
  *log_sum_exp = static_cast<float>(lse);
  const double likely = lse - x[label];
  if (task.smoothing == 0) return likely;
  return (1 - task.smoothing) * likely + task.smoothing * (lse - row_mean(x, task.classes));
}

void row_gradient(const float* x, int32_t label, float lse, float scale, const Task& task, float* dx) {
  const int64_t n = task.classes;
  const Vec s = set1(scale), shift = set1(lse), base = set1(task.smoothing / static_cast<float>(n));
  // Read before the row is written: dx may be x.
  const float own = x[label];
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(dx + i, (exp(load(x + i) - shift) - base) * s);
  if (i < n) store_n(dx + i, (exp(load_n(x + i, n - i) - shift) - base) * s, n - i);
  const float p = static_cast<float>(__builtin_exp(static_cast<double>(own) - lse));
  dx[label] = (p - task.smoothing / static_cast<float>(n) - (1 - task.smoothing)) * scale;
}

void clear(float* x, int64_t n) { __builtin_memset(x, 0, static_cast<size_t>(n) * sizeof(float)); }

int64_t grain(int64_t classes) { return 8192 / (classes + 1) + 1; }

}  // namespace

int64_t cross_entropy(const float* logits, const int32_t* labels, float* loss, float* log_sum_exp, int64_t rows,
                      int64_t classes, int32_t ignored, float smoothing, bool mean) {
  const Task task{classes, ignored, smoothing};
  const int64_t bad = bad_label(labels, rows, task);
  if (bad >= 0) return bad;
  double* const losses = static_cast<double*>(scratch_bytes(kSlotKernel0, static_cast<size_t>(rows + 1) * sizeof(double)));
  parallel_for(rows, grain(classes), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      log_sum_exp[r] = 0;
      losses[r] = labels[r] == ignored ? 0 : row_loss(logits + r * classes, labels[r], task, log_sum_exp + r);
    }
  });
  double total = 0;
  for (int64_t r = 0; r < rows; ++r) total += losses[r];
  loss[0] = static_cast<float>(mean ? total / static_cast<double>(counted(labels, rows, ignored)) : total);
  return -1;
}

void cross_entropy_gradient(const float* logits, const int32_t* labels, const float* log_sum_exp, const float* dy,
                            float* dlogits, int64_t rows, int64_t classes, int32_t ignored, float smoothing, bool mean) {
  const Task task{classes, ignored, smoothing};
  const float scale = mean ? dy[0] / static_cast<float>(counted(labels, rows, ignored)) : dy[0];
  parallel_for(rows, grain(classes), [=](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      float* const out = dlogits + r * classes;
      if (labels[r] == ignored) {
        clear(out, classes);
      } else {
        row_gradient(logits + r * classes, labels[r], log_sum_exp[r], scale, task, out);
      }
    }
  });
}

int64_t linear_cross_entropy(const float* hidden, const float* weight, const int32_t* labels, const float* bias, float* loss,
                             float* dhidden, float* dweight, float* dbias, int64_t rows, int64_t width, int64_t classes,
                             int32_t ignored, float smoothing, bool mean) {
  const Task task{classes, ignored, smoothing};
  const int64_t bad = bad_label(labels, rows, task);
  if (bad >= 0) return bad;
  const int64_t count = counted(labels, rows, ignored);
  const float scale = mean ? 1.0f / static_cast<float>(count) : 1.0f;
  // Chunks of nearly equal height.
  const int64_t most = kChunkFloats / (classes + 1) < 32 ? 32 : kChunkFloats / (classes + 1);
  const int64_t chunks = (rows + most - 1) / most;
  const int64_t height = chunks == 0 ? 0 : (rows + chunks - 1) / chunks;
  float* const logits = scratch(kSlotKernel0, height * classes);
  double* const losses = static_cast<double*>(scratch_bytes(kSlotKernel1, static_cast<size_t>(rows + 1) * sizeof(double)));
  const bool backward = dhidden != nullptr;
  if (backward && rows == 0) clear(dweight, classes * width);
  if (backward && dbias != nullptr) clear(dbias, classes);
  for (int64_t first = 0; first < rows; first += height) {
    const int64_t n = rows - first < height ? rows - first : height;
    const float* const part = hidden + first * width;
    sgemm(false, true, n, classes, width, part, width, weight, width, logits, classes, bias, kActNone, false);
    parallel_for(n, grain(classes), [=](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        float* const row = logits + r * classes;
        const int32_t label = labels[first + r];
        float lse = 0;
        losses[first + r] = label == ignored ? 0 : row_loss(row, label, task, &lse);
        if (!backward) continue;
        if (label == ignored) {
          clear(row, classes);
        } else {
          row_gradient(row, label, lse, scale, task, row);
        }
      }
    });
    if (!backward) continue;
    sgemm(false, false, n, width, classes, logits, classes, weight, width, dhidden + first * width, width, nullptr, kActNone,
          false);
    sgemm(true, false, classes, width, n, logits, classes, part, width, dweight, width, nullptr, kActNone, first > 0);
    if (dbias != nullptr) {
      parallel_for(classes, 2048, [=](int64_t begin, int64_t end) {
        for (int64_t r = 0; r < n; ++r) {
          for (int64_t c = begin; c < end; ++c) dbias[c] += logits[r * classes + c];
        }
      });
    }
  }
  double total = 0;
  for (int64_t r = 0; r < rows; ++r) total += losses[r];
  loss[0] = static_cast<float>(mean ? total / static_cast<double>(count) : total);
  return -1;
}

}  // namespace weft::WEFT_ISA
