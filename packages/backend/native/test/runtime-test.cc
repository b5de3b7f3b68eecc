#include "testing.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "../runtime/large-pages.h"
#include "../runtime/parallel.h"

using namespace weft;

TEST(parallel_for_covers_each_index_once) {
  for (int64_t n : {0, 1, 2, 3, 7, 64, 1000, 100003}) {
    std::vector<int> seen(static_cast<size_t>(n), 0);
    parallel_for(n, 10, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
    });
    for (int count : seen) EXPECT(count == 1);
  }
}

TEST(parallel_tasks_covers_each_index_once) {
  std::vector<int> seen(1000, 0);
  parallel_tasks(1000, [&](int64_t i) { ++seen[static_cast<size_t>(i)]; });
  for (int count : seen) EXPECT(count == 1);
}

TEST(parallel_for_nests) {
  std::atomic<int64_t> total{0};
  parallel_for(10, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) parallel_for(10, 1, [&](int64_t b, int64_t e) { total += e - b; });
  });
  EXPECT(total.load() == 100);
}

// More threads than cores, so that some lose theirs between looking at a job and taking a part of it; and each job
// longer than the one before, so that what was beyond the old one's end is a part of the new one.
TEST(late_threads_take_no_part_of_the_next_job) {
  const int threads = num_threads();
  set_num_threads(threads == 1 ? 1 : 12);
  std::vector<std::atomic<int>> taken(40);
  for (int round = 0; round < 20000; ++round) {
    const int64_t parts = 2 + round % 39;
    for (auto& count : taken) count.store(0, std::memory_order_relaxed);
    parallel_tasks(parts, [&](int64_t i) { taken[static_cast<size_t>(i)].fetch_add(1, std::memory_order_relaxed); });
    for (int64_t i = 0; i < 40; ++i) EXPECT(taken[static_cast<size_t>(i)].load() == (i < parts ? 1 : 0));
  }
  set_num_threads(threads);
}

TEST(pool_serves_several_callers) {
  std::atomic<int64_t> total{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 3; ++t) {
    callers.emplace_back([&] {
      for (int round = 0; round < 2000; ++round) {
        parallel_for(64, 1, [&](int64_t begin, int64_t end) { total.fetch_add(end - begin, std::memory_order_relaxed); });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT(total.load() == 3 * 2000 * 64);
}

// Threads take, fill, look at and give back arrays of sizes on both sides of every bound; none sees another's bytes.
TEST(large_pages_lie_apart) {
  constexpr size_t kilo = 1024, mega = 1024 * kilo;
  const std::vector<size_t> sizes{1, 100, 32 * kilo - 1, 32 * kilo, 40 * kilo + 3, mega, mega, 4 * mega - 1, 4 * mega, 20 * mega};
  const auto work = [&](int mark) {
    for (int round = 0; round < 4; ++round) {
      std::vector<char*> taken;
      for (size_t size : sizes) {
        char* const data = static_cast<char*>(allocate_large_pages(size));
        EXPECT(data != nullptr && reinterpret_cast<uintptr_t>(data) % 64 == 0);
        std::memset(data, mark + static_cast<int>(taken.size()), size);
        taken.push_back(data);
      }
      for (size_t i = 0; i < sizes.size(); ++i) {
        const char want = static_cast<char>(mark + static_cast<int>(i));
        EXPECT(std::all_of(taken[i], taken[i] + sizes[i], [=](char byte) { return byte == want; }));
        free_large_pages(taken[i], sizes[i]);
      }
    }
  };
  std::thread other([&] { work(100); });
  work(10);
  other.join();
}
