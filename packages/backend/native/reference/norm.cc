#include "norm.h"

#include <cmath>

namespace weft::reference {

void layer_norm(const float* x, const float* gamma, const float* beta, double* y, double* mean, double* rstd, int64_t rows,
                int64_t width, double epsilon) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = x + r * width;
    double m = 0, variance = 0;
    for (int64_t i = 0; i < width; ++i) m += row[i];
    m /= width;
    for (int64_t i = 0; i < width; ++i) variance += (row[i] - m) * (row[i] - m);
    mean[r] = m;
    rstd[r] = 1 / std::sqrt(variance / width + epsilon);
    for (int64_t i = 0; i < width; ++i) y[r * width + i] = (row[i] - m) * rstd[r] * gamma[i] + beta[i];
  }
}

void layer_norm_gradient(const float* dy, const float* x, const float* gamma, double* dx, double* dgamma, double* dbeta,
                         int64_t rows, int64_t width, double epsilon) {
  for (int64_t i = 0; i < width; ++i) dgamma[i] = dbeta[i] = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const float *row = x + r * width, *up = dy + r * width;
    double m = 0, variance = 0, g = 0, gx = 0;
    for (int64_t i = 0; i < width; ++i) m += row[i];
    m /= width;
    for (int64_t i = 0; i < width; ++i) variance += (row[i] - m) * (row[i] - m);
    const double rstd = 1 / std::sqrt(variance / width + epsilon);
    for (int64_t i = 0; i < width; ++i) {
      const double normal = (row[i] - m) * rstd;
      dgamma[i] += up[i] * normal;
      dbeta[i] += up[i];
      g += up[i] * static_cast<double>(gamma[i]) / width;
      gx += up[i] * static_cast<double>(gamma[i]) * normal / width;
    }
    for (int64_t i = 0; i < width; ++i) {
      dx[r * width + i] = rstd * (up[i] * static_cast<double>(gamma[i]) - g - (row[i] - m) * rstd * gx);
    }
  }
}

void rms_norm(const float* x, const float* gamma, double* y, double* rstd, int64_t rows, int64_t width, double epsilon) {
  for (int64_t r = 0; r < rows; ++r) {
    double square = 0;
    for (int64_t i = 0; i < width; ++i) square += static_cast<double>(x[r * width + i]) * x[r * width + i];
    rstd[r] = 1 / std::sqrt(square / width + epsilon);
    for (int64_t i = 0; i < width; ++i) y[r * width + i] = x[r * width + i] * rstd[r] * gamma[i];
  }
}

void rms_norm_gradient(const float* dy, const float* x, const float* gamma, double* dx, double* dgamma, int64_t rows,
                       int64_t width, double epsilon) {
  for (int64_t i = 0; i < width; ++i) dgamma[i] = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const float *row = x + r * width, *up = dy + r * width;
    double square = 0, gx = 0;
    for (int64_t i = 0; i < width; ++i) square += static_cast<double>(row[i]) * row[i];
    const double rstd = 1 / std::sqrt(square / width + epsilon);
    for (int64_t i = 0; i < width; ++i) {
      dgamma[i] += up[i] * (row[i] * rstd);
      gx += up[i] * static_cast<double>(gamma[i]) * row[i] * rstd / width;
    }
    for (int64_t i = 0; i < width; ++i) dx[r * width + i] = rstd * (up[i] * static_cast<double>(gamma[i]) - row[i] * rstd * gx);
  }
}

}  // namespace weft::reference
