#include "convert.h"

#if defined(__linux__) || defined(__APPLE__)
#include <dlfcn.h>
#endif

namespace weft {

const Export*& Export::first() {
  static const Export* head = nullptr;
  return head;
}

void* typed_array_data(napi_env env, napi_value value, napi_typedarray_type type, size_t* length) {
  napi_typedarray_type found;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, value, &found, length, &data, nullptr, nullptr) != napi_ok) {
    napi_valuetype kind;
    if (napi_typeof(env, value, &kind) == napi_ok && (kind == napi_null || kind == napi_undefined)) {
      *length = 0;
      return nullptr;
    }
    throw ArgumentError("expected a typed array");
  }
  if (found != type) throw ArgumentError("expected a typed array of another element type");
  return data;
}

double number_value(napi_env env, napi_value value) {
  double number;
  if (napi_get_value_double(env, value, &number) != napi_ok) throw ArgumentError("expected a number");
  return number;
}

bool bool_value(napi_env env, napi_value value) {
  bool result;
  if (napi_get_value_bool(env, value, &result) != napi_ok) throw ArgumentError("expected a boolean");
  return result;
}

uint32_t array_length(napi_env env, napi_value value) {
  uint32_t count;
  if (napi_get_array_length(env, value, &count) != napi_ok) throw ArgumentError("expected an array");
  return count;
}

napi_value array_element(napi_env env, napi_value value, uint32_t index) {
  napi_value element;
  if (napi_get_element(env, value, index, &element) != napi_ok) throw ArgumentError("expected an array of typed arrays");
  return element;
}

namespace {

// Node unloads an addon when the last worker that loaded it ends; the pool's threads would then run code that is gone.
void stay_loaded() {
#if defined(__linux__) || defined(__APPLE__)
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&stay_loaded), &info) != 0) dlopen(info.dli_fname, RTLD_NOW | RTLD_NODELETE);
#endif
}

}  // namespace
}  // namespace weft

NAPI_MODULE_INIT() {
  weft::stay_loaded();
  for (const weft::Export* entry = weft::Export::first(); entry != nullptr; entry = entry->next) {
    napi_value function;
    if (napi_create_function(env, entry->name, NAPI_AUTO_LENGTH, entry->callback, nullptr, &function) != napi_ok ||
        napi_set_named_property(env, exports, entry->name, function) != napi_ok) {
      napi_throw_error(env, "WEFT_NATIVE", "could not define a function of the addon");
      return nullptr;
    }
  }
  return exports;
}
