// Cross entropy of integer labels, straight from logits.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// loss[0] of logits [rows, classes]; a row's loss is (1 - e) (lse - x[label]) + e (lse - mean(x)), e = `smoothing`.
// Rows whose label is `ignored` count nothing. `mean`: divided by the number of rows that count (NaN where none does).
// Gives the place of a label outside [0, classes) that is not `ignored`, -1 where there is none. The bits do not
// depend on the number of threads.
WEFT_KERNEL(int64_t, cross_entropy,
            (const float* logits, const int32_t* labels, float* loss, float* log_sum_exp, int64_t rows, int64_t classes,
             int32_t ignored, float smoothing, bool mean),
            (logits, labels, loss, log_sum_exp, rows, classes, ignored, smoothing, mean))

// dlogits = dy[0] (/ rows that count) * (softmax(x) - (1 - e) onehot - e / classes). dlogits may be logits.
WEFT_KERNEL(void, cross_entropy_gradient,
            (const float* logits, const int32_t* labels, const float* log_sum_exp, const float* dy, float* dlogits,
             int64_t rows, int64_t classes, int32_t ignored, float smoothing, bool mean),
            (logits, labels, log_sum_exp, dy, dlogits, rows, classes, ignored, smoothing, mean))

// The last layer and its loss in one, the logits never whole: hidden [rows, width] times weight [classes, width]
// transposed, plus bias [classes] (or null). With dhidden given (and dweight, and dbias where there is a bias), the
// gradients of the loss too.
WEFT_KERNEL(int64_t, linear_cross_entropy,
            (const float* hidden, const float* weight, const int32_t* labels, const float* bias, float* loss, float* dhidden,
             float* dweight, float* dbias, int64_t rows, int64_t width, int64_t classes, int32_t ignored, float smoothing,
             bool mean),
            (hidden, weight, labels, bias, loss, dhidden, dweight, dbias, rows, width, classes, ignored, smoothing, mean))

}  // namespace weft
