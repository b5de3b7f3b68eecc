#include "large-pages.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace weft {
namespace {

#if defined(__linux__) && defined(MADV_HUGEPAGE)
constexpr size_t kSmallPage = 4096, kLargePage = size_t{2} << 20, kSlab = 8 * kLargePage;
// From here on an array has large pages of its own.
constexpr size_t kAlone = 2 * kLargePage;
// Below this an array is not worth whole pages.
constexpr size_t kSmallest = 8 * kSmallPage;

void* map_pages(size_t bytes) {
  void* const data = ::operator new(bytes, std::align_val_t(kLargePage), std::nothrow);
  if (data != nullptr) madvise(data, bytes, MADV_HUGEPAGE);
  return data;
}

// Pieces of slabs. A piece that is freed gives its memory to the system and keeps its addresses for the next one of its size.
class Slabs {
 public:
  void* take(size_t bytes) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<void*>& waiting = free_[bytes];
    if (!waiting.empty()) {
      void* const piece = waiting.back();
      waiting.pop_back();
      return piece;
    }
    if (left_ < bytes) {
      char* const slab = static_cast<char*>(map_pages(kSlab));
      if (slab == nullptr) return nullptr;
      next_ = slab;
      left_ = kSlab;
    }
    char* const piece = next_;
    next_ += bytes;
    left_ -= bytes;
    return piece;
  }

  void give(void* piece, size_t bytes) {
    madvise(piece, bytes, MADV_DONTNEED);
    const std::lock_guard<std::mutex> lock(mutex_);
    free_[bytes].push_back(piece);
  }

 private:
  std::mutex mutex_;
  std::map<size_t, std::vector<void*>> free_;
  char* next_ = nullptr;
  size_t left_ = 0;
};

// Never destroyed: buffers are freed until the very end of the process.
Slabs& slabs() {
  static Slabs* const all = new Slabs;
  return *all;
}

size_t whole_pages(size_t bytes) { return (bytes + kSmallPage - 1) & ~(kSmallPage - 1); }
#endif

constexpr std::align_val_t kCacheLine{64};

}  // namespace

void* allocate_large_pages(size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (bytes >= kAlone) return map_pages(bytes);
  if (bytes >= kSmallest) return slabs().take(whole_pages(bytes));
#endif
  return ::operator new(bytes, kCacheLine, std::nothrow);
}

void free_large_pages(void* data, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (bytes >= kAlone) return ::operator delete(data, std::align_val_t(kLargePage));
  if (bytes >= kSmallest) return slabs().give(data, whole_pages(bytes));
#endif
  ::operator delete(data, kCacheLine);
}

void discard_pages([[maybe_unused]] void* data, [[maybe_unused]] size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  const uintptr_t begin = whole_pages(reinterpret_cast<uintptr_t>(data));
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + bytes) / kSmallPage * kSmallPage;
  if (begin < end) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
#endif
}

}  // namespace weft
