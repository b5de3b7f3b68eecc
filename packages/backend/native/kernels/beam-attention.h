// Attention of one position a row over a cache whose rows share their pasts, for beam search.
#pragma once

#include <cstdint>

#include "../runtime/cpu.h"

namespace weft {

// query [batch, heads * size], key and value [held, capacity, heads * size], table [batch, keys]: position t of row b lies
// in row table[b * keys + t] of key and value. bias [heads, keys] may be null. y [batch, heads * size] =
// softmax(scale * q k^T + bias) v, head by head. Gives the place of a number in the table outside [0, held), and then
// nothing is computed; -1 where there is none. keys > 0. The bits do not depend on the number of threads.
WEFT_KERNEL(int64_t, beam_attention,
            (const float* query, const float* key, const float* value, const int32_t* table, const float* bias, float* y,
             int64_t batch, int64_t held, int64_t capacity, int64_t keys, int64_t heads, int64_t size, double scale),
            (query, key, value, table, bias, y, batch, held, capacity, keys, heads, size, scale))

}  // namespace weft
