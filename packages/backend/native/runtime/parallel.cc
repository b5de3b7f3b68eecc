#include "parallel.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <new>
#include <thread>

#include "large-pages.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#define WEFT_PAUSE() _mm_pause()
#elif defined(__aarch64__)
#define WEFT_PAUSE() asm volatile("yield")
#else
#define WEFT_PAUSE() (void)0
#endif

// The tests let a thread lose its core where that could do harm.
#if defined(WEFT_TEST_DELAYS)
#define WEFT_DELAY() std::this_thread::yield()
#else
#define WEFT_DELAY() (void)0
#endif

namespace weft {
namespace {

constexpr int kMaxThreads = 256;
// How long an idle thread looks out for the next kernel before it sleeps: longer than the gap between two kernels of
// one step, far shorter than anything a user would call idle.
constexpr auto kAlert = std::chrono::microseconds(200);

int default_threads() {
  if (const char* text = std::getenv("WEFT_NUM_THREADS")) {
    const int wanted = std::atoi(text);
    if (wanted >= 1) return wanted < kMaxThreads ? wanted : kMaxThreads;
  }
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  return cores < 1 ? 1 : cores < kMaxThreads ? cores : kMaxThreads;
}

std::atomic<int>& thread_count() {
  static std::atomic<int> count{default_threads()};
  return count;
}

thread_local bool inside_region = false;

void serially(int64_t n, int64_t chunks, ChunkFunction fn, void* context) {
  for (int64_t c = 0; c < chunks; ++c) fn(context, n * c / chunks, n * (c + 1) / chunks);
}

class Pool {
 public:
  void run(int64_t n, int64_t chunks, ChunkFunction fn, void* context, int threads) {
    bool free = false;
    if (!busy_.compare_exchange_strong(free, true, std::memory_order_acquire)) {
      serially(n, chunks, fn, context);
      return;
    }
    start_workers(threads - 1);
    // A worker that has just read the last job's ticket may take a chunk yet: the ticket becomes void before the job's
    // parts change, and whoever sees a new part sees that too.
    const uint64_t closed = (ticket_.load(std::memory_order_relaxed) >> 32) + 1, epoch = closed + 1;
    ticket_.store(closed << 32, std::memory_order_seq_cst);
    n_.store(n, std::memory_order_release);
    chunks_.store(chunks, std::memory_order_release);
    fn_.store(fn, std::memory_order_release);
    context_.store(context, std::memory_order_release);
    allowed_.store(threads - 1, std::memory_order_release);
    done_.store(0, std::memory_order_relaxed);
    WEFT_DELAY();
    ticket_.store(epoch << 32, std::memory_order_seq_cst);
    if (sleeping_.load(std::memory_order_seq_cst) > 0) {
      std::lock_guard<std::mutex> lock(mutex_);
      wake_.notify_all();
    }
    work(epoch);
    // Soon, as a rule; but where the machine has other work, the thread with the last chunk may wait for this very core.
    for (int spins = 0; done_.load(std::memory_order_acquire) != chunks; ++spins) {
      if (spins < 4000) {
        WEFT_PAUSE();
      } else {
        std::this_thread::yield();
      }
    }
    busy_.store(false, std::memory_order_release);
  }

 private:
  // Takes chunks of the given epoch until none is left. A thread that comes late finds the epoch gone by and its
  // exchange fails, so that it never touches a job which is over.
  void work(uint64_t epoch) {
    inside_region = true;
    for (;;) {
      uint64_t ticket = ticket_.load(std::memory_order_acquire);
      if ((ticket >> 32) != (epoch & 0xffffffffu)) break;
      WEFT_DELAY();
      const int64_t n = n_.load(std::memory_order_acquire);
      const int64_t chunks = chunks_.load(std::memory_order_acquire);
      const ChunkFunction fn = fn_.load(std::memory_order_acquire);
      void* const context = context_.load(std::memory_order_acquire);
      const int64_t c = static_cast<int64_t>(ticket & 0xffffffffu);
      if (c >= chunks) break;
      if (!ticket_.compare_exchange_weak(ticket, ticket + 1, std::memory_order_acq_rel)) continue;
      fn(context, n * c / chunks, n * (c + 1) / chunks);
      done_.fetch_add(1, std::memory_order_acq_rel);
    }
    inside_region = false;
  }

  void start_workers(int wanted) {
    while (workers_ < wanted) {
      const int index = workers_;
      try {
        std::thread([this, index] { worker(index); }).detach();
      } catch (...) {
        return;  // no more threads to be had: the caller does their share
      }
      ++workers_;
    }
  }

  void worker(int index) {
    uint64_t seen = 0;
    for (;;) {
      seen = wait_for_job(seen);
      if (index < allowed_.load(std::memory_order_acquire)) work(seen);
    }
  }

  // The epoch of a job other than the one seen last.
  uint64_t wait_for_job(uint64_t seen) {
    const auto is_new = [seen](uint64_t epoch) { return epoch != seen && epoch % 2 == 0; };
    uint64_t epoch = ticket_.load(std::memory_order_acquire) >> 32;
    if (is_new(epoch)) return epoch;
    const auto until = std::chrono::steady_clock::now() + kAlert;
    do {
      for (int i = 0; i < 64; ++i) {
        epoch = ticket_.load(std::memory_order_acquire) >> 32;
        if (is_new(epoch)) return epoch;
        WEFT_PAUSE();
      }
    } while (std::chrono::steady_clock::now() < until);
    std::unique_lock<std::mutex> lock(mutex_);
    sleeping_.fetch_add(1, std::memory_order_seq_cst);
    while (!is_new(epoch = ticket_.load(std::memory_order_seq_cst) >> 32)) wake_.wait(lock);
    sleeping_.fetch_sub(1, std::memory_order_seq_cst);
    return epoch;
  }

  std::atomic<bool> busy_{false};
  std::atomic<int64_t> n_{0};
  std::atomic<int64_t> chunks_{0};
  std::atomic<ChunkFunction> fn_{nullptr};
  std::atomic<void*> context_{nullptr};
  std::atomic<int> allowed_{0};
  std::atomic<int64_t> done_{0};
  // Epoch, and the next chunk to take; odd epochs are those in which a job is being written.
  alignas(64) std::atomic<uint64_t> ticket_{0};
  std::atomic<int> sleeping_{0};
  int workers_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
};

// Never destroyed: its threads live until the process ends.
Pool& pool() {
  static Pool* const instance = new Pool();
  return *instance;
}

std::atomic<int64_t> scratch_bytes_total{0};

struct Scratch {
  void* data[kSlotCount] = {};
  size_t size[kSlotCount] = {};
  void release(int slot) {
    if (data[slot] == nullptr) return;
    free_large_pages(data[slot], size[slot]);
    scratch_bytes_total.fetch_sub(static_cast<int64_t>(size[slot]), std::memory_order_relaxed);
    data[slot] = nullptr;
    size[slot] = 0;
  }
  ~Scratch() {
    for (int slot = 0; slot < kSlotCount; ++slot) release(slot);
  }
};

thread_local Scratch thread_scratch;

}  // namespace

int num_threads() { return thread_count().load(std::memory_order_relaxed); }

void set_num_threads(int count) {
  const int bounded = count < 1 ? 1 : count > kMaxThreads ? kMaxThreads : count;
  thread_count().store(bounded, std::memory_order_relaxed);
}

void run_chunks(int64_t n, int64_t chunks, ChunkFunction fn, void* context) {
  const int threads = num_threads();
  if (threads == 1 || chunks == 1 || inside_region) {
    serially(n, chunks, fn, context);
    return;
  }
  pool().run(n, chunks, fn, context, threads);
}

void* scratch_bytes(Slot slot, size_t bytes) {
  Scratch& mine = thread_scratch;
  if (mine.size[slot] < bytes) {
    mine.release(slot);
    const size_t rounded = (bytes + 4095) & ~size_t{4095};
    mine.data[slot] = allocate_large_pages(rounded);
    if (mine.data[slot] == nullptr) throw std::bad_alloc();
    mine.size[slot] = rounded;
    scratch_bytes_total.fetch_add(static_cast<int64_t>(rounded), std::memory_order_relaxed);
  }
  return mine.data[slot];
}

int64_t scratch_total() { return scratch_bytes_total.load(std::memory_order_relaxed); }

}  // namespace weft
