#include "large-pages.h"

#include <cstdint>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace weft {
namespace {
constexpr size_t kLargePage = size_t{2} << 20;

std::align_val_t alignment_of(size_t bytes) { return std::align_val_t(bytes < 2 * kLargePage ? 64 : kLargePage); }
}  // namespace

void advise_large_pages([[maybe_unused]] void* data, [[maybe_unused]] size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr uintptr_t kSmall = 4096;
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(data) + kSmall - 1) & ~(kSmall - 1);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + bytes) & ~(kSmall - 1);
  if (end > begin + kLargePage) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

void* allocate_large_pages(size_t bytes) {
  void* const data = ::operator new(bytes, alignment_of(bytes), std::nothrow);
  if (data != nullptr) advise_large_pages(data, bytes);
  return data;
}

void free_large_pages(void* data, size_t bytes) { ::operator delete(data, alignment_of(bytes)); }

}  // namespace weft
