#include <cmath>
#include <cstring>

#include "../kernels/convert.h"
#include "../kernels/dropout.h"
#include "../kernels/optimizer.h"
#include "../kernels/rearrange.h"
#include "../kernels/reduce.h"
#include "../kernels/unary.h"
#include "../reference/optimizer.h"
#include "../reference/philox.h"
#include "../runtime/parallel.h"
#include "testing.h"

using namespace weft;
using testing::Random;

namespace {

size_t sized(int64_t n) { return static_cast<size_t>(n); }

double join(int32_t kind, double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return NAN;
  if (kind == kReduceMax) return a > b ? a : b;
  if (kind == kReduceMin) return a < b ? a : b;
  if (kind == kReduceProd) return a * b;
  return a + b;
}

void check_reduce(int32_t kind, int64_t outer, int64_t size, int64_t inner, double scale) {
  auto x = Random(static_cast<uint64_t>(size)).floats(outer * size * inner, scale);
  if (kind == kReduceProd) for (float& v : x) v = 1 + v / static_cast<float>(size);
  std::vector<float> y(sized(outer * inner), -9);
  std::vector<double> want(y.size());
  reduce(kind, x.data(), y.data(), outer, size, inner);
  for (int64_t o = 0; o < outer; ++o) {
    for (int64_t i = 0; i < inner; ++i) {
      double total = x[o * size * inner + i];
      for (int64_t s = 1; s < size; ++s) total = join(kind, total, x[(o * size + s) * inner + i]);
      want[o * inner + i] = kind == kReduceMean ? total / static_cast<double>(size) : total;
    }
  }
  EXPECT_CLOSE(y.data(), want.data(), outer * inner, kind == kReduceSum ? 2e-6 * std::sqrt(static_cast<double>(size)) : 1e-6,
               kind == kReduceProd ? 1e-5 : 2e-6);
}

// Moves by the definition, index by index.
std::vector<float> moved(const std::vector<float>& x, std::vector<float> y, const std::vector<int32_t>& layout, int64_t from, int64_t to) {
  const int rank = static_cast<int>(layout.size() / 3);
  int64_t n = 1;
  for (int d = 0; d < rank; ++d) n *= layout[d];
  for (int64_t i = 0; i < n; ++i) {
    int64_t rest = i, a = from, b = to;
    for (int d = rank - 1; d >= 0; --d) {
      a += rest % layout[d] * layout[rank + d];
      b += rest % layout[d] * layout[2 * rank + d];
      rest /= layout[d];
    }
    y[sized(b)] = x[sized(a)];
  }
  return y;
}

void check_move(int64_t n_from, int64_t n_to, const std::vector<int32_t>& layout, int64_t from = 0, int64_t to = 0) {
  const auto x = Random(4).floats(n_from);
  std::vector<float> y(sized(n_to), -1);
  const auto want = moved(x, y, layout, from, to);
  copy_strided(x.data(), y.data(), layout.data(), static_cast<int32_t>(layout.size() / 3), from, to);
  EXPECT(std::memcmp(y.data(), want.data(), y.size() * sizeof(float)) == 0);
}

void check_transpose(const std::vector<int32_t>& shape, const std::vector<int>& perm) {
  const size_t rank = shape.size();
  std::vector<int32_t> strides(rank), layout(3 * rank);
  int32_t n = 1;
  for (size_t d = rank; d-- > 0;) {
    strides[d] = n;
    n *= shape[d];
  }
  int32_t out = 1;
  for (size_t d = rank; d-- > 0;) {
    layout[d] = shape[sized(perm[d])];
    layout[rank + d] = strides[sized(perm[d])];
    layout[2 * rank + d] = out;
    out *= layout[d];
  }
  check_move(n, n, layout);
}

struct Lists {
  FloatArrays arrays;
  std::vector<std::vector<float>> memory;
  explicit Lists(std::vector<std::vector<float>> data) : memory(std::move(data)) {
    arrays.count = static_cast<int64_t>(memory.size());
    arrays.data = new float*[memory.size()];
    arrays.lengths = new int64_t[memory.size()];
    for (size_t i = 0; i < memory.size(); ++i) {
      arrays.data[i] = memory[i].data();
      arrays.lengths[i] = static_cast<int64_t>(memory[i].size());
    }
  }
};

}  // namespace

TEST(reduce_ragged_sizes) {
  for (int32_t kind = 0; kind <= 4; ++kind) {
    for (int64_t size : {1, 2, 7, 15, 16, 17, 63, 64, 65, 129, 1025}) {
      for (int64_t outer : {1, 3, 9}) {
        for (int64_t inner : {1, 2, 15, 16, 17, 63, 64, 65, 130}) check_reduce(kind, outer, size, inner, 1);
      }
    }
  }
}

TEST(reduce_long_rows) {
  for (int32_t kind = 0; kind <= 3; ++kind) {
    check_reduce(kind, 1, 300001, 1, 1);
    check_reduce(kind, 2, 200000, 1, 1);
    check_reduce(kind, 1, 5001, 300, 1);
  }
}

TEST(reduce_nan_infinity_and_nothing) {
  for (int64_t inner : {1, 40}) {
    for (int64_t size : {3, 50, 200}) {
      std::vector<float> x(sized(size * inner), 1.0f), y(sized(inner));
      x[sized((size - 1) * inner)] = std::nanf("");
      for (int32_t kind = 0; kind <= 4; ++kind) {
        reduce(kind, x.data(), y.data(), 1, size, inner);
        EXPECT(std::isnan(y[0]));
      }
      x[sized((size - 1) * inner)] = INFINITY;
      for (int32_t kind : {kReduceSum, kReduceMean, kReduceMax, kReduceProd}) {
        reduce(kind, x.data(), y.data(), 1, size, inner);
        EXPECT(y[0] == INFINITY);
      }
    }
  }
  float y[2] = {5, 5};
  reduce(kReduceSum, y, y, 2, 0, 1);
  EXPECT(y[0] == 0 && y[1] == 0);
  reduce(kReduceMean, y, y, 2, 0, 1);
  EXPECT(std::isnan(y[0]));
}

TEST(reduce_same_bits_on_any_number_of_threads) {
  const auto x = Random(1).floats(1 << 20);
  for (int64_t inner : {1, 256, 1024}) {
    std::vector<float> first(sized(inner)), again(sized(inner));
    const int threads = num_threads();
    reduce(kReduceSum, x.data(), first.data(), 1, (1 << 20) / inner, inner);
    set_num_threads(3);
    reduce(kReduceSum, x.data(), again.data(), 1, (1 << 20) / inner, inner);
    set_num_threads(threads);
    EXPECT(std::memcmp(first.data(), again.data(), first.size() * sizeof(float)) == 0);
  }
}

TEST(rearrange_transposes) {
  for (int32_t a : {1, 5, 16, 33}) {
    for (int32_t b : {1, 7, 17, 130}) check_transpose({a, b}, {1, 0});
  }
  check_transpose({300, 200}, {1, 0});
  check_transpose({2, 5, 3, 8}, {0, 2, 1, 3});
  check_transpose({2, 5, 3, 64}, {0, 2, 1, 3});
  check_transpose({2, 5, 3, 17}, {0, 2, 3, 1});
  check_transpose({3, 17, 18}, {0, 2, 1});
  check_transpose({3, 17, 18}, {2, 1, 0});
  check_transpose({3, 17, 18}, {2, 0, 1});
  check_transpose({3, 17, 18}, {1, 2, 0});
  check_transpose({2, 3, 4, 5, 6}, {4, 2, 0, 3, 1});
  check_transpose({2, 3, 4, 5, 6}, {3, 4, 1, 2, 0});
}

TEST(rearrange_slices_pads_and_tiles) {
  // x [4, 6, 5] from (1, 2, 1) to [2, 3, 3].
  check_move(120, 18, {2, 3, 3, 30, 5, 1, 9, 3, 1}, 30 + 10 + 1);
  // [2, 3] in the middle of [5, 7].
  check_move(6, 35, {2, 3, 3, 1, 7, 1}, 0, 9);
  // [3, 4] twice down and three times across.
  check_move(12, 72, {2, 3, 3, 4, 0, 4, 0, 1, 36, 12, 4, 1});
  // A column, a scalar, nothing at all.
  check_move(35, 5, {5, 1, 7, 1, 1, 1}, 3);
  check_move(3, 3, {1, 1, 1}, 1, 2);
  check_move(3, 3, {0, 3, 3, 1, 3, 1});
  check_move(100000, 90000, {90000, 1, 1}, 10);
}

TEST(convert_all_types) {
  for (int64_t n : {1, 7, 16, 17, 33, 40001}) {
    std::vector<int32_t> ints(sized(n));
    std::vector<uint8_t> bytes(sized(n)), flags(sized(n));
    std::vector<float> floats(sized(n)), back(sized(n));
    Random random(2);
    for (int64_t i = 0; i < n; ++i) {
      ints[i] = static_cast<int32_t>(random.next() & 0xffffff) - 0x800000;
      bytes[i] = static_cast<uint8_t>(random.next());
    }
    int_to_float(ints.data(), floats.data(), n);
    std::vector<int32_t> again(sized(n));
    float_to_int(floats.data(), again.data(), n);
    EXPECT(again == ints);
    byte_to_float(bytes.data(), floats.data(), n);
    byte_to_int(bytes.data(), again.data(), n);
    float_to_bool(floats.data(), flags.data(), n);
    for (int64_t i = 0; i < n; ++i) EXPECT(floats[i] == bytes[i] && again[i] == bytes[i] && flags[i] == (bytes[i] != 0));
    int_to_bool(ints.data(), flags.data(), n);
    for (int64_t i = 0; i < n; ++i) EXPECT(flags[i] == (ints[i] != 0));
  }
  const float odd[6] = {std::nanf(""), INFINITY, -2.9f, 2.9f, 4294968320.0f, -INFINITY};
  int32_t whole[6];
  float_to_int(odd, whole, 6);
  EXPECT(whole[0] == 0 && whole[1] == 0 && whole[2] == -2 && whole[3] == 2 && whole[4] == 1024 && whole[5] == 0);
}

TEST(convert_half_precision) {
  // All finite halves, by their definition.
  std::vector<uint16_t> half;
  std::vector<double> want;
  for (uint32_t h = 0; h < 65536; ++h) {
    const int exponent = static_cast<int>(h >> 10 & 31), mantissa = static_cast<int>(h & 1023);
    if (exponent == 31) continue;
    const double size = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    half.push_back(static_cast<uint16_t>(h));
    want.push_back(h & 0x8000 ? -size : size);
  }
  const int64_t n = static_cast<int64_t>(half.size());
  std::vector<float> y(half.size());
  half_to_floats(half.data(), y.data(), n);
  EXPECT_CLOSE(y.data(), want.data(), n, 0, 0);
  const uint16_t special[3] = {0x7c00, 0xfc00, 0x7e00};
  half_to_floats(special, y.data(), 3);
  EXPECT(y[0] == INFINITY && y[1] == -INFINITY && std::isnan(y[2]));
  std::vector<uint16_t> bfloat(sized(65536));
  for (int i = 0; i < 65536; ++i) bfloat[i] = static_cast<uint16_t>(i);
  std::vector<float> wide(65536);
  bfloat_to_floats(bfloat.data(), wide.data(), 65535);
  for (uint32_t i = 0; i < 65535; ++i) {
    uint32_t word;
    std::memcpy(&word, &wide[i], 4);
    EXPECT(word == i << 16);
  }
}

TEST(dropout_is_the_counter_based_mask) {
  const uint32_t zero[4] = {0, 0, 0, 0}, key[2] = {0, 0};
  uint32_t words[4];
  reference::philox4x32(zero, key, words);
  // The published test vector of Philox4x32-10 for a zero counter and key.
  EXPECT(words[0] == 0x6627e8d5u && words[1] == 0xe169c58du && words[2] == 0xbc57ac4cu && words[3] == 0x9b00dbd8u);
  for (int64_t n : {1, 3, 4, 5, 63, 64, 65, 255, 256, 257, 10007}) {
    const std::vector<float> x(sized(n), 2.0f);
    std::vector<float> y(sized(n));
    std::vector<double> want(sized(n));
    dropout(x.data(), y.data(), n, 0.3, 4294967297.0 * 3, 17);
    for (int64_t i = 0; i < n; ++i) want[i] = 2 * reference::dropout_multiplier(static_cast<uint64_t>(i), 0.3, 4294967297ull * 3, 17);
    EXPECT_CLOSE(y.data(), want.data(), n, 0, 1e-6);
  }
}

TEST(optimizer_adam_w) {
  const std::vector<int64_t> lengths = {1, 17, 0, 40000, 33, 65536};
  std::vector<std::vector<float>> p, g, m, v;
  for (int64_t n : lengths) {
    p.push_back(Random(1).floats(n));
    g.push_back(Random(2).floats(n));
    m.push_back(Random(3).floats(n, 0.1));
    v.push_back(Random(4).floats(n, 0.1));
    for (float& x : v.back()) x = std::fabs(x);
  }
  Lists ps(p), gs(g), ms(m), vs(v);
  const double rate[] = {1e-2, 1e-3, 1, 1e-2, 0, 1e-3}, decay[] = {0, 0.1, 0, 0.01, 0.1, 0};
  adam_w(ps.arrays, gs.arrays, ms.arrays, vs.arrays, rate, decay, 0.9, 0.999, 1e-8, 3, 0.5);
  for (size_t a = 0; a < lengths.size(); ++a) {
    const reference::AdamW options{rate[a], decay[a], 0.9, 0.999, 1e-8, 3, 0.5};
    std::vector<double> wp(p[a].begin(), p[a].end()), wm(m[a].begin(), m[a].end()), wv(v[a].begin(), v[a].end());
    for (size_t i = 0; i < wp.size(); ++i) reference::adam_w(options, &wp[i], g[a][i], &wm[i], &wv[i]);
    EXPECT_CLOSE(ps.memory[a].data(), wp.data(), lengths[a], 1e-7, 1e-5);
    EXPECT_CLOSE(ms.memory[a].data(), wm.data(), lengths[a], 1e-7, 1e-5);
    EXPECT_CLOSE(vs.memory[a].data(), wv.data(), lengths[a], 1e-8, 1e-5);
  }
}

TEST(optimizer_norm_and_accumulation) {
  Lists a({Random(1).floats(70001), {}, Random(2).floats(5), Random(3).floats(32768)});
  Lists b({Random(4).floats(70001), {}, Random(5).floats(5), Random(6).floats(32768)});
  double total = 0;
  for (const auto& array : a.memory) for (float x : array) total += static_cast<double>(x) * x;
  const float norm = static_cast<float>(global_norm(a.arrays));
  const double want = std::sqrt(total);
  EXPECT_CLOSE(&norm, &want, 1, 0, 1e-6);
  const int threads = num_threads();
  set_num_threads(3);
  EXPECT(static_cast<float>(global_norm(a.arrays)) == norm);
  set_num_threads(threads);
  const auto before = a.memory;
  accumulate(a.arrays, b.arrays);
  for (size_t k = 0; k < before.size(); ++k) {
    for (size_t i = 0; i < before[k].size(); ++i) EXPECT(a.memory[k][i] == before[k][i] + b.memory[k][i]);
  }
}

TEST(fill_every_size) {
  for (int64_t n : {0, 1, 15, 16, 17, 70000}) {
    std::vector<float> y(sized(n) + 1, 1.0f);
    fill(y.data(), n, 3.5f);
    for (int64_t i = 0; i < n; ++i) EXPECT(y[i] == 3.5f);
    EXPECT(y[sized(n)] == 1.0f);
  }
}
