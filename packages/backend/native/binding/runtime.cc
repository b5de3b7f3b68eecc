#include "convert.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "../runtime/cpu.h"
#include "../runtime/parallel.h"

namespace weft {
namespace {

int32_t threads() { return num_threads(); }
void use_threads(int32_t count) { set_num_threads(count); }
const char* instruction_set() { return isa_name(isa()); }
bool use_instruction_set(int32_t level) { return level >= 0 && level <= 3 && set_isa(static_cast<Isa>(level)); }
bool has_instruction_set(int32_t level) { return level >= 0 && level <= 3 && isa_supported(static_cast<Isa>(level)); }
// Fresh memory in pages of 2 MB: a five-hundredth of the page faults.
napi_value advise_large_pages(napi_env env, napi_callback_info info) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  size_t count = 1, length = 0;
  napi_value array;
  void* data = nullptr;
  napi_typedarray_type type;
  if (napi_get_cb_info(env, info, &count, &array, nullptr, nullptr) == napi_ok &&
      napi_get_typedarray_info(env, array, &type, &length, &data, nullptr, nullptr) == napi_ok) {
    constexpr uintptr_t kPage = 2u << 20;
    const uintptr_t begin = (reinterpret_cast<uintptr_t>(data) + 4095) & ~uintptr_t{4095};
    const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + length) & ~uintptr_t{4095};
    if (end > begin + kPage) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
  }
#else
  (void)env;
  (void)info;
#endif
  return nullptr;
}

napi_value free_buffer(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value buffer;
  if (napi_get_cb_info(env, info, &count, &buffer, nullptr, nullptr) == napi_ok) napi_detach_arraybuffer(env, buffer);
  return nullptr;
}

int64_t scratch_memory() { return scratch_total(); }

WEFT_EXPORT(threads, threads)
WEFT_EXPORT(useThreads, use_threads)
WEFT_EXPORT(instructionSet, instruction_set)
WEFT_EXPORT(useInstructionSet, use_instruction_set)
WEFT_EXPORT(hasInstructionSet, has_instruction_set)
WEFT_EXPORT(scratchMemory, scratch_memory)
const Export export_advise{"adviseLargePages", &advise_large_pages};
const Export export_free{"freeBuffer", &free_buffer};

}  // namespace
}  // namespace weft
