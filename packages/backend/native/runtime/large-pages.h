// Pages of 2 MB under arrays: a five-hundredth of the page faults, and far fewer addresses that the processor has to look
// up: a model's arrays of 1 MB in small pages cost its training step and its decoding a seventh of their time.
#pragma once

#include <cstddef>

namespace weft {

// Memory in large pages where the system has them, aligned to a cache line at least; not cleared; null where there is none.
// Arrays smaller than a large page lie side by side in one.
void* allocate_large_pages(size_t bytes);
// Gives it back, with the size that it was asked for.
void free_large_pages(void* data, size_t bytes);

// Gives the memory of whole pages within an array to the system at once; what they held is lost, the addresses stay.
void discard_pages(void* data, size_t bytes);

}  // namespace weft
