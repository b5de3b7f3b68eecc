// A pool of threads that sleep while there is nothing to do.
//
// Work is cut into chunks whose bounds depend only on the size of the work and the number of threads, never on
// which thread takes a chunk: the same inputs on the same number of threads give the same bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft {

using ChunkFunction = void (*)(void* context, int64_t begin, int64_t end);

// Threads that share the work, the caller included. WEFT_NUM_THREADS, else one per core.
int num_threads();
void set_num_threads(int count);

// Calls fn on `chunks` even parts of [0, n). Returns when all are done. Within a parallel region, or while another
// JavaScript thread holds the pool, the caller does all parts itself, cut the same way.
void run_chunks(int64_t n, int64_t chunks, ChunkFunction fn, void* context);

// fn(begin, end) over [0, n) on at most num_threads() parts, none (but the last) smaller than `grain`.
template <class F>
static inline void parallel_for(int64_t n, int64_t grain, F fn) {
  if (n <= 0) return;
  if (grain < 1) grain = 1;
  int64_t chunks = (n + grain - 1) / grain;
  const int64_t threads = num_threads();
  if (chunks > threads) chunks = threads;
  if (chunks <= 1) {
    fn(int64_t{0}, n);
    return;
  }
  run_chunks(n, chunks, [](void* f, int64_t begin, int64_t end) { (*static_cast<F*>(f))(begin, end); }, &fn);
}

// fn(index) for each index of [0, n), handed out one at a time: for uneven or interrupted work. The indices must be
// independent of each other.
template <class F>
static inline void parallel_tasks(int64_t n, F fn) {
  if (n <= 0) return;
  if (n == 1 || num_threads() == 1) {
    for (int64_t i = 0; i < n; ++i) fn(i);
    return;
  }
  run_chunks(n, n, [](void* f, int64_t begin, int64_t) { (*static_cast<F*>(f))(begin); }, &fn);
}

// Scratch memory of the calling thread, 64-byte aligned, kept and reused. Each slot is one buffer; a kernel that
// calls another must not share a slot with it. Contents are not kept between calls.
enum Slot {
  kSlotGemmA = 0,
  kSlotGemmB = 1,
  kSlotGemmC = 2,
  kSlotKernel0 = 3,
  kSlotKernel1 = 4,
  kSlotKernel2 = 5,
  kSlotKernel3 = 6,
  kSlotStep = 7,
  kSlotCount = 8,
};
void* scratch_bytes(Slot slot, size_t bytes);
static inline float* scratch(Slot slot, int64_t floats) {
  return static_cast<float*>(scratch_bytes(slot, static_cast<size_t>(floats) * sizeof(float)));
}
// Bytes held in scratch memory by all threads.
int64_t scratch_total();

}  // namespace weft
