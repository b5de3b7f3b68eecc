#pragma once

#include <cstdint>

namespace weft::reference {

// The multiplier of element `index`: 0, or 1 / (1 - rate). Philox4x32-10, straight from its definition.
double dropout_multiplier(uint64_t index, double rate, uint64_t seed, uint64_t offset);
void philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

}  // namespace weft::reference
