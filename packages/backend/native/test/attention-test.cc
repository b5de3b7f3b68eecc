#include "testing.h"

#include <cmath>
#include <cstring>

#include "../kernels/attention.h"
#include "../reference/attention.h"
#include "../runtime/parallel.h"

using namespace weft;
using reference::AttentionTask;
using testing::Random;

namespace {

struct Result {
  std::vector<float> y, lse, dquery, dkey, dvalue, dbias;
};

AttentionTask make(int64_t batch, int64_t queries, int64_t keys, int64_t capacity, int64_t heads, int64_t key_heads, int64_t size,
                   int64_t value_size, bool causal) {
  AttentionTask t;
  Random random(static_cast<uint64_t>(queries * 1009 + keys * 31 + heads * 7 + size));
  t.batch = batch;
  t.queries = queries;
  t.keys = keys;
  t.capacity = capacity;
  t.heads = heads;
  t.key_heads = key_heads;
  t.head_size = size;
  t.value_size = value_size;
  t.causal = causal;
  t.scale = 1 / std::sqrt(static_cast<double>(size));
  t.query = random.floats(batch * queries * heads * size, 2);
  t.key = random.floats(batch * capacity * key_heads * size, 2);
  t.value = random.floats(batch * capacity * key_heads * value_size);
  t.dy = random.floats(batch * queries * heads * value_size);
  return t;
}

void with_bias(AttentionTask& t, int64_t bias_batch, int64_t bias_heads) {
  t.bias_batch = bias_batch;
  t.bias_heads = bias_heads;
  t.bias = Random(3).floats(bias_batch * bias_heads * t.queries * t.keys, 2);
}

// Hides the last keys of each batch element, more of them in each next one; all keys of the element `hidden`.
void with_padding(AttentionTask& t, int64_t hidden = -1) {
  t.padding.assign(static_cast<size_t>(t.batch * t.keys), 1.0f);
  for (int64_t b = 0; b < t.batch; ++b) {
    const int64_t kept = b == hidden ? 0 : t.keys - (b + 1) * t.keys / (t.batch + 2);
    for (int64_t j = kept; j < t.keys; ++j) t.padding[b * t.keys + j] = 0;
  }
}

Result run(const AttentionTask& t) {
  const float nan = std::nanf("");
  const auto sized = [=](size_t n) { return std::vector<float>(n, nan); };
  Result r{sized(t.batch * t.queries * t.heads * t.value_size), sized(t.batch * t.heads * t.queries), sized(t.query.size()),
           sized(t.key.size()), sized(t.value.size()), sized(t.bias.size())};
  const float* padding = t.padding.empty() ? nullptr : t.padding.data();
  const float* bias = t.bias.empty() ? nullptr : t.bias.data();
  attention(t.query.data(), t.key.data(), t.value.data(), padding, bias, r.y.data(), r.lse.data(), t.batch, t.queries, t.capacity,
            t.keys, t.heads, t.key_heads, t.head_size, t.value_size, t.bias_batch, t.bias_heads, t.scale, t.causal, t.rate,
            static_cast<double>(t.seed), static_cast<double>(t.offset));
  attention_gradient(t.dy.data(), t.query.data(), t.key.data(), t.value.data(), r.y.data(), r.lse.data(), padding, bias,
                     r.dquery.data(), r.dkey.data(), r.dvalue.data(), bias == nullptr ? nullptr : r.dbias.data(), t.batch,
                     t.queries, t.capacity, t.keys, t.heads, t.key_heads, t.head_size, t.value_size, t.bias_batch, t.bias_heads,
                     t.scale, t.causal, t.rate, static_cast<double>(t.seed), static_cast<double>(t.offset));
  return r;
}

void check(const AttentionTask& t) {
  const auto want = reference::attention(t);
  const Result got = run(t);
  const auto size = [](const auto& v) { return static_cast<int64_t>(v.size()); };
  EXPECT_CLOSE(got.y.data(), want.y.data(), size(got.y), 2e-6, 1e-5);
  EXPECT_CLOSE(got.lse.data(), want.log_sum_exp.data(), size(got.lse), 2e-6, 1e-5);
  EXPECT_CLOSE(got.dvalue.data(), want.dvalue.data(), size(got.dvalue), 1e-5, 1e-4);
  EXPECT_CLOSE(got.dkey.data(), want.dkey.data(), size(got.dkey), 1e-5, 1e-4);
  EXPECT_CLOSE(got.dquery.data(), want.dquery.data(), size(got.dquery), 1e-5, 1e-4);
  EXPECT_CLOSE(got.dbias.data(), want.dbias.data(), size(got.dbias), 1e-5, 1e-4);
}

}  // namespace

TEST(attention_ragged_sizes) {
  for (int64_t queries : {1, 3, 5, 7, 16, 31, 33, 65}) {
    for (int64_t keys : {1, 2, 13, 64, 111, 113, 121, 241}) {
      for (bool causal : {false, true}) check(make(1, queries, keys, keys, 2, 2, queries % 2 == 0 ? 8 : 13, 9, causal));
    }
  }
}

TEST(attention_head_sizes) {
  for (int64_t size : {1, 4, 15, 16, 17, 32, 40, 64, 80, 128}) check(make(1, 35, 37, 37, 1, 1, size, size, true));
}

TEST(attention_grouped_heads_and_capacity) {
  check(make(2, 9, 21, 40, 6, 2, 16, 16, true));
  check(make(2, 33, 130, 150, 4, 1, 16, 24, false));
  check(make(3, 1, 77, 128, 12, 3, 64, 64, true));
  check(make(2, 4, 300, 512, 4, 2, 16, 8, true));
}

TEST(attention_padding) {
  for (int64_t queries : {1, 2, 40}) {
    for (bool causal : {false, true}) {
      AttentionTask t = make(3, queries, 50, 50, 2, 2, 16, 16, causal);
      with_padding(t);
      check(t);
      with_padding(t, 1);
      check(t);
    }
  }
}

TEST(attention_bias_of_every_shape) {
  for (int64_t queries : {2, 37}) {
    for (int64_t bias_batch : {1, 2}) {
      for (int64_t bias_heads : {1, 4}) {
        AttentionTask t = make(2, queries, 125, 125, 4, 2, 16, 16, bias_heads == 1);
        with_bias(t, bias_batch, bias_heads);
        check(t);
        with_padding(t, 0);
        check(t);
      }
    }
  }
}

TEST(attention_dropout) {
  for (int64_t keys : {7, 60, 64, 130}) {
    AttentionTask t = make(2, 37, keys, keys, 2, 1, 16, 16, keys == 60);
    t.rate = 0.3;
    t.seed = (1ull << 40) + 12345;
    t.offset = 7;
    check(t);
    with_padding(t, 1);
    check(t);
  }
  AttentionTask one = make(1, 1, 20, 20, 2, 2, 8, 8, true);
  one.rate = 0.5;
  check(one);
}

TEST(attention_rows_without_keys_are_zero) {
  const AttentionTask t = make(1, 40, 33, 33, 2, 2, 8, 8, true);
  const Result r = run(t);
  for (int64_t k = 0; k < 7 * 16; ++k) EXPECT(r.y[k] == 0 && r.dquery[k] == 0);
  check(t);
}

TEST(attention_same_bits_on_any_number_of_threads) {
  AttentionTask t = make(2, 150, 170, 170, 4, 2, 32, 32, true);
  with_bias(t, 1, 4);
  t.rate = 0.1;
  const Result first = run(t);
  const int threads = num_threads();
  set_num_threads(3);
  const Result again = run(t);
  AttentionTask few = make(1, 1, 1000, 1000, 4, 4, 64, 64, true);
  const Result few_again = run(few);
  set_num_threads(threads);
  const Result few_first = run(few);
  const auto same = [](const std::vector<float>& a, const std::vector<float>& b) {
    return std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
  };
  EXPECT(same(first.y, again.y) && same(first.dquery, again.dquery) && same(first.dkey, again.dkey));
  EXPECT(same(first.dvalue, again.dvalue) && same(first.dbias, again.dbias));
  EXPECT(same(few_first.y, few_again.y) && same(few_first.dkey, few_again.dkey));
}

TEST(attention_large_scores) {
  AttentionTask t = make(1, 40, 130, 130, 2, 2, 16, 16, true);
  for (float& x : t.query) x *= 100;
  const auto want = reference::attention(t);
  const Result got = run(t);
  EXPECT_CLOSE(got.y.data(), want.y.data(), static_cast<int64_t>(got.y.size()), 1e-4, 1e-3);
}
