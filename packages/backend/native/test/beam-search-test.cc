#include "../kernels/beam-attention.h"
#include "../kernels/top-tokens.h"
#include "../reference/beam-search.h"
#include "testing.h"

using namespace weft;
using testing::Random;

namespace {
size_t sized(int64_t n) { return static_cast<size_t>(n); }
}  // namespace

TEST(beam_attention_over_shared_rows) {
  for (int64_t size : {1, 6, 16, 33, 64}) {
    for (int64_t keys : {1, 7, 16, 40}) {
      for (int64_t batch : {1, 9}) {
        const int64_t heads = 3, held = 5, capacity = 41, width = heads * size;
        Random random(static_cast<uint64_t>(size * 100 + keys));
        const auto query = random.floats(batch * width), key = random.floats(held * capacity * width);
        const auto value = random.floats(held * capacity * width), bias = random.floats(heads * keys, 2);
        std::vector<int32_t> table(sized(batch * keys));
        for (int32_t& each : table) each = static_cast<int32_t>(random.below(held));
        for (const float* b : {bias.data(), static_cast<const float*>(nullptr)}) {
          std::vector<float> y(sized(batch * width)), want = y;
          EXPECT(beam_attention(query.data(), key.data(), value.data(), table.data(), b, y.data(), batch, held, capacity,
                                keys, heads, size, 0.5) == -1);
          reference::beam_attention(query.data(), key.data(), value.data(), table.data(), b, want.data(), batch, capacity,
                                    keys, heads, size, 0.5);
          EXPECT_CLOSE(y.data(), want.data(), batch * width, 1e-6, 1e-5);
        }
      }
    }
  }
}

TEST(beam_attention_refuses_rows_that_are_not_there) {
  const std::vector<float> x(8);
  std::vector<float> y(2);
  for (int32_t wrong : {-1, 2}) {
    const std::vector<int32_t> table{0, wrong};
    EXPECT(beam_attention(x.data(), x.data(), x.data(), table.data(), nullptr, y.data(), 1, 2, 2, 2, 1, 2, 1) == 1);
  }
}

TEST(top_tokens_ragged) {
  for (int64_t columns : {1, 5, 16, 33, 500, 5000}) {
    for (int64_t count : {1, 2, 8}) {
      if (count > columns) continue;
      const int64_t rows = 5;
      const auto logits = Random(static_cast<uint64_t>(columns * 7 + count)).floats(rows * columns, 6);
      std::vector<float> got(sized(rows * count)), want = got;
      std::vector<int32_t> tokens(got.size()), want_tokens = tokens;
      top_tokens(logits.data(), tokens.data(), got.data(), rows, columns, count);
      reference::top_tokens(logits.data(), want_tokens.data(), want.data(), rows, columns, count);
      EXPECT(tokens == want_tokens);
      EXPECT_CLOSE(got.data(), want.data(), rows * count, 2e-6, 1e-6);
    }
  }
}
