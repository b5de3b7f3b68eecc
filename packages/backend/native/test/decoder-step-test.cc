#include "../kernels/decoder-step.h"

#include <cmath>
#include <cstring>

#include "../kernels/attention.h"
#include "../kernels/binary.h"
#include "../kernels/gemm.h"
#include "../kernels/norm.h"
#include "../kernels/quantized-linear.h"
#include "testing.h"

using namespace weft;
using testing::Random;
using Floats = std::vector<float>;

namespace {

size_t sized(int64_t n) { return static_cast<size_t>(n); }

struct Linear {
  int64_t n, k, group;
  Floats weight, scales, bias;
  std::vector<int32_t> quantized;

  Linear(Random& random, int64_t n, int64_t k, int64_t group)
      : n(n), k(k), group(group), weight(random.floats(n * k, 0.2)), bias(random.floats(n)) {
    if (group == 0) return;
    scales.resize(sized(n * k / group));
    quantized.resize(sized(n * k / 4));
    quantize_weight(n, k, group, weight.data(), quantized.data(), scales.data());
  }

  Floats run(const Floats& x, int64_t rows, int32_t kind) const {
    Floats y(sized(rows * n));
    if (group == 0) {
      batch_matmul(false, false, 1, rows, n, k, x.data(), weight.data(), y.data(), nullptr, nullptr, bias.data(), kind);
    } else {
      quantized_linear(rows, n, k, group, x.data(), quantized.data(), scales.data(), bias.data(), y.data(), kind);
    }
    return y;
  }
};

void list(FloatArrays* arrays, const std::vector<Floats*>& items) {
  arrays->count = static_cast<int64_t>(items.size());
  arrays->data = new float*[items.size()];
  arrays->lengths = new int64_t[items.size()];
  for (size_t i = 0; i < items.size(); ++i) {
    arrays->data[i] = items[i]->data();
    arrays->lengths[i] = static_cast<int64_t>(items[i]->size());
  }
}

}  // namespace

TEST(decoder_step_has_the_bits_of_its_kernels) {
  for (int64_t rows : {1, 3, 8}) {
    for (int64_t group : {0, 4}) {
      for (int64_t position : {0, 1, 70}) {
        const int64_t heads = 3, width = 36, inner = 52, capacity = position + 2, keys = position + 1;
        const float epsilon = 1e-5f;
        const double scale = 0.3;
        Random random(static_cast<uint64_t>(rows * 100 + position + group));
        const Floats x = random.floats(rows * width);
        Floats key = random.floats(rows * capacity * width), value = random.floats(rows * capacity * width);
        Floats padding(sized(rows * keys), 1);
        if (position > 0) padding[0] = 0;
        Floats norms[4];
        for (Floats& norm : norms) norm = random.floats(width);
        Linear join(random, 3 * width, width, group), project(random, width, width, group), up(random, inner, width, group),
            down(random, width, inner, group);

        FloatArrays norm_list, weight_list, bias_list;
        list(&norm_list, {&norms[0], &norms[1], &norms[2], &norms[3]});
        list(&weight_list, group == 0 ? std::vector<Floats*>{&join.weight, &project.weight, &up.weight, &down.weight}
                                      : std::vector<Floats*>{&join.scales, &project.scales, &up.scales, &down.scales});
        list(&bias_list, {&join.bias, &project.bias, &up.bias, &down.bias});
        Floats step_key = key, step_value = value, y(sized(rows * width));
        decoder_step(x.data(), step_key.data(), step_value.data(), padding.data(), y.data(), norm_list, weight_list, bias_list,
                     join.quantized.data(), project.quantized.data(), up.quantized.data(), down.quantized.data(), rows, width,
                     inner, heads, capacity, position, group, scale, epsilon, kActGeluNew);

        Floats normal(sized(rows * width)), mean(sized(rows)), rstd(sized(rows)), query(normal), attended(normal), want(normal);
        Floats log_sum_exp(sized(rows * heads));
        layer_norm(x.data(), norms[0].data(), norms[1].data(), normal.data(), mean.data(), rstd.data(), rows, width, epsilon);
        const Floats joined = join.run(normal, rows, kActNone);
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t i = 0; i < width; ++i) {
            const auto from = [&](int64_t part) { return joined[sized((3 * r + part) * width + i)]; };
            query[sized(r * width + i)] = from(0);
            key[sized((r * capacity + position) * width + i)] = from(1);
            value[sized((r * capacity + position) * width + i)] = from(2);
          }
        }
        attention(query.data(), key.data(), value.data(), padding.data(), nullptr, attended.data(), log_sum_exp.data(), rows,
                  1, capacity, keys, heads, heads, width / heads, width / heads, 1, 1, scale, true, 0, 0, 0);
        const Floats projected = project.run(attended, rows, kActNone);
        Floats middle(sized(rows * width));
        binary(kBinaryAdd, x.data(), projected.data(), middle.data(), 1, rows * width, 0, 1, 0, 1);
        layer_norm(middle.data(), norms[2].data(), norms[3].data(), normal.data(), mean.data(), rstd.data(), rows, width,
                   epsilon);
        const Floats lowered = down.run(up.run(normal, rows, kActGeluNew), rows, kActNone);
        binary(kBinaryAdd, middle.data(), lowered.data(), want.data(), 1, rows * width, 0, 1, 0, 1);

        EXPECT(y == want);
        EXPECT(step_key == key);
        EXPECT(step_value == value);
        for (float each : y) EXPECT(std::isfinite(each));
      }
    }
  }
}
