#include "../kernels/decoder-step.h"

#include <cmath>

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

template <class T>
void add(Arrays<T>* arrays, std::vector<T>& item) {
  static constexpr int64_t kMost = 16;
  if (arrays->data == nullptr) {
    arrays->data = new T*[kMost];
    arrays->lengths = new int64_t[kMost];
  }
  arrays->data[arrays->count] = item.data();
  arrays->lengths[arrays->count++] = static_cast<int64_t>(item.size());
}

struct Block {
  int64_t width, inner;
  float scale;
  Floats norms[4], key, value;
  Linear linears[4];

  Block(Random& random, int64_t width, int64_t inner, int64_t group, int64_t cached)
      : width(width), inner(inner), scale(static_cast<float>(random.uniform())), key(random.floats(cached * width)),
        value(random.floats(cached * width)),
        // One linear stays in float32 whatever the others are.
        linears{{random, 3 * width, width, group}, {random, width, width, 0}, {random, inner, width, group},
                {random, width, inner, group}} {
    for (Floats& norm : norms) norm = random.floats(width);
  }

  // The kernels one by one.
  Floats run(const Floats& x, const Floats& padding, int64_t rows, int64_t heads, int64_t capacity, int64_t position,
             float epsilon) {
    Floats normal(sized(rows * width)), mean(sized(rows)), rstd(sized(rows)), query(normal), attended(normal), middle(normal),
        y(normal), log_sum_exp(sized(rows * heads));
    layer_norm(x.data(), norms[0].data(), norms[1].data(), normal.data(), mean.data(), rstd.data(), rows, width, epsilon);
    const Floats joined = linears[0].run(normal, rows, kActNone);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < width; ++i) {
        const auto from = [&](int64_t part) { return joined[sized((3 * r + part) * width + i)]; };
        query[sized(r * width + i)] = from(0);
        key[sized((r * capacity + position) * width + i)] = from(1);
        value[sized((r * capacity + position) * width + i)] = from(2);
      }
    }
    attention(query.data(), key.data(), value.data(), padding.data(), nullptr, attended.data(), log_sum_exp.data(), rows, 1,
              capacity, position + 1, heads, heads, width / heads, width / heads, 1, 1, scale, true, 0, 0, 0);
    const Floats projected = linears[1].run(attended, rows, kActNone);
    binary(kBinaryAdd, x.data(), projected.data(), middle.data(), 1, rows * width, 0, 1, 0, 1);
    layer_norm(middle.data(), norms[2].data(), norms[3].data(), normal.data(), mean.data(), rstd.data(), rows, width, epsilon);
    const Floats lowered = linears[3].run(linears[2].run(normal, rows, kActGeluNew), rows, kActNone);
    binary(kBinaryAdd, middle.data(), lowered.data(), y.data(), 1, rows * width, 0, 1, 0, 1);
    return y;
  }
};

}  // namespace

TEST(decoder_step_has_the_bits_of_its_kernels) {
  for (int64_t rows : {1, 3, 8}) {
    for (int64_t group : {0, 4}) {
      for (int64_t position : {0, 1, 70}) {
        const int64_t heads = 3, width = 36, inner = 52, capacity = position + 2;
        const float epsilon = 1e-5f;
        Random random(static_cast<uint64_t>(rows * 100 + position + group));
        const Floats x = random.floats(rows * width);
        Floats padding(sized(rows * (position + 1)), 1);
        if (position > 0) padding[0] = 0;
        Block blocks[] = {{random, width, inner, group, rows * capacity}, {random, width, inner, group, rows * capacity}};

        FloatArrays keys, values, norms, weights, biases;
        IntArrays quantized;
        std::vector<int32_t> groups;
        std::vector<Floats> written;
        Floats scales;
        for (Block& block : blocks) {
          written.push_back(block.key);
          written.push_back(block.value);
        }
        for (size_t i = 0; i < 2; ++i) {
          add(&keys, written[2 * i]);
          add(&values, written[2 * i + 1]);
          scales.push_back(blocks[i].scale);
          for (Floats& norm : blocks[i].norms) add(&norms, norm);
          for (Linear& linear : blocks[i].linears) {
            add(&weights, linear.group == 0 ? linear.weight : linear.scales);
            add(&quantized, linear.quantized);
            add(&biases, linear.bias);
            groups.push_back(static_cast<int32_t>(linear.group));
          }
        }
        Floats y(sized(rows * width));
        decoder_step(x.data(), keys, values, padding.data(), y.data(), norms, weights, biases, quantized, groups.data(),
                     scales.data(), rows, width, inner, heads, capacity, position, epsilon, kActGeluNew);

        Floats want = x;
        for (size_t i = 0; i < 2; ++i) {
          want = blocks[i].run(want, padding, rows, heads, capacity, position, epsilon);
          EXPECT(written[2 * i] == blocks[i].key);
          EXPECT(written[2 * i + 1] == blocks[i].value);
        }
        EXPECT(y == want);
        for (float each : y) EXPECT(std::isfinite(each));
      }
    }
  }
}
