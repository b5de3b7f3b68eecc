#include "convert.h"

#include "../runtime/cpu.h"
#include "../runtime/large-pages.h"
#include "../runtime/parallel.h"

namespace weft {
namespace {

int32_t threads() { return num_threads(); }
void use_threads(int32_t count) { set_num_threads(count); }
const char* instruction_set() { return isa_name(isa()); }
bool use_instruction_set(int32_t level) { return level >= 0 && level <= 3 && set_isa(static_cast<Isa>(level)); }
bool has_instruction_set(int32_t level) { return level >= 0 && level <= 3 && isa_supported(static_cast<Isa>(level)); }

void release_buffer(napi_env, void* data, void* bytes) { free_large_pages(data, reinterpret_cast<size_t>(bytes)); }

napi_value allocate_buffer(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value size, result = nullptr;
  int64_t wanted = 0;
  if (napi_get_cb_info(env, info, &count, &size, nullptr, nullptr) != napi_ok ||
      napi_get_value_int64(env, size, &wanted) != napi_ok || wanted <= 0) {
    return nullptr;
  }
  const size_t bytes = static_cast<size_t>(wanted);
  void* const data = allocate_large_pages(bytes);
  if (data == nullptr) return nullptr;
  // Refused where the engine keeps all buffers within a space of its own.
  if (napi_create_external_arraybuffer(env, data, bytes, &release_buffer, reinterpret_cast<void*>(bytes), &result) !=
      napi_ok) {
    free_large_pages(data, bytes);
    return nullptr;
  }
  return result;
}

// Memory of ours goes back when the event loop turns; its pages go now.
napi_value free_buffer(napi_env env, napi_callback_info info) {
  size_t count = 1, bytes = 0;
  napi_value buffer;
  void* data = nullptr;
  if (napi_get_cb_info(env, info, &count, &buffer, nullptr, nullptr) == napi_ok &&
      napi_get_arraybuffer_info(env, buffer, &data, &bytes) == napi_ok) {
    discard_pages(data, bytes);
    napi_detach_arraybuffer(env, buffer);
  }
  return nullptr;
}

napi_value count_external(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value change, result = nullptr;
  int64_t bytes = 0, total = 0;
  if (napi_get_cb_info(env, info, &count, &change, nullptr, nullptr) == napi_ok &&
      napi_get_value_int64(env, change, &bytes) == napi_ok &&
      napi_adjust_external_memory(env, bytes, &total) == napi_ok) {
    napi_create_int64(env, total, &result);
  }
  return result;
}

int64_t scratch_memory() { return scratch_total(); }

WEFT_EXPORT(threads, threads)
WEFT_EXPORT(useThreads, use_threads)
WEFT_EXPORT(instructionSet, instruction_set)
WEFT_EXPORT(useInstructionSet, use_instruction_set)
WEFT_EXPORT(hasInstructionSet, has_instruction_set)
WEFT_EXPORT(scratchMemory, scratch_memory)
const Export export_allocate{"allocateBuffer", &allocate_buffer};
const Export export_free{"freeBuffer", &free_buffer};
const Export export_count{"countExternalMemory", &count_external};

}  // namespace
}  // namespace weft
