// From a C++ function to a JavaScript one: the types of its parameters say how each argument is read.
//
//   float*, const float*        Float32Array (null and undefined: nullptr); likewise int8_t, uint8_t, uint16_t, int32_t
//   const FloatArrays&          array of Float32Array; likewise IntArrays of Int32Array
//   int64_t, int32_t, double, float, bool
//
// Sizes are not checked here: the adapters in src/kernels/ own shapes and allocation.
#pragma once

#include <node_api.h>

#include <cstdint>
#include <exception>
#include <new>
#include <stdexcept>
#include <tuple>
#include <type_traits>
#include <utility>

#include "../runtime/arrays.h"

namespace weft {

struct ArgumentError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class T> struct ElementType;
template <> struct ElementType<float> { static constexpr napi_typedarray_type type = napi_float32_array; };
template <> struct ElementType<double> { static constexpr napi_typedarray_type type = napi_float64_array; };
template <> struct ElementType<int8_t> { static constexpr napi_typedarray_type type = napi_int8_array; };
template <> struct ElementType<uint8_t> { static constexpr napi_typedarray_type type = napi_uint8_array; };
template <> struct ElementType<uint16_t> { static constexpr napi_typedarray_type type = napi_uint16_array; };
template <> struct ElementType<int32_t> { static constexpr napi_typedarray_type type = napi_int32_array; };

// The data of a typed array, nullptr for null and undefined.
void* typed_array_data(napi_env env, napi_value value, napi_typedarray_type type, size_t* length);
double number_value(napi_env env, napi_value value);
bool bool_value(napi_env env, napi_value value);
uint32_t array_length(napi_env env, napi_value value);
napi_value array_element(napi_env env, napi_value value, uint32_t index);

template <class T> struct Argument;
template <class T> struct Argument<T*> {
  T* value;
  void read(napi_env env, napi_value from) {
    size_t length;
    value = static_cast<T*>(typed_array_data(env, from, ElementType<std::remove_const_t<T>>::type, &length));
  }
};
template <> struct Argument<double> {
  double value;
  void read(napi_env env, napi_value from) { value = number_value(env, from); }
};
template <> struct Argument<float> {
  float value;
  void read(napi_env env, napi_value from) { value = static_cast<float>(number_value(env, from)); }
};
template <> struct Argument<int64_t> {
  int64_t value;
  void read(napi_env env, napi_value from) { value = static_cast<int64_t>(number_value(env, from)); }
};
template <> struct Argument<int32_t> {
  int32_t value;
  void read(napi_env env, napi_value from) { value = static_cast<int32_t>(number_value(env, from)); }
};
template <> struct Argument<bool> {
  bool value;
  void read(napi_env env, napi_value from) { value = bool_value(env, from); }
};
template <class T> struct Argument<const Arrays<T>&> {
  Arrays<T> value;
  void read(napi_env env, napi_value from) {
    const uint32_t count = array_length(env, from);
    value.data = new T*[count];
    value.lengths = new int64_t[count];
    value.count = count;
    for (uint32_t i = 0; i < count; ++i) {
      size_t length;
      value.data[i] = static_cast<T*>(typed_array_data(env, array_element(env, from, i), ElementType<T>::type, &length));
      value.lengths[i] = static_cast<int64_t>(length);
    }
  }
};

inline napi_value to_js(napi_env env, double x) {
  napi_value result;
  napi_create_double(env, x, &result);
  return result;
}
inline napi_value to_js(napi_env env, float x) { return to_js(env, static_cast<double>(x)); }
inline napi_value to_js(napi_env env, int64_t x) { return to_js(env, static_cast<double>(x)); }
inline napi_value to_js(napi_env env, int32_t x) { return to_js(env, static_cast<double>(x)); }
inline napi_value to_js(napi_env env, bool x) {
  napi_value result;
  napi_get_boolean(env, x, &result);
  return result;
}
inline napi_value to_js(napi_env env, const char* x) {
  napi_value result;
  napi_create_string_utf8(env, x, NAPI_AUTO_LENGTH, &result);
  return result;
}

template <class F, F function> struct Call;
template <class R, class... P, R (*function)(P...)>
struct Call<R (*)(P...), function> {
  static napi_value run(napi_env env, napi_callback_info info) {
    return run_with(env, info, std::index_sequence_for<P...>{});
  }

 private:
  template <size_t... i>
  static napi_value run_with(napi_env env, napi_callback_info info, std::index_sequence<i...>) {
    napi_value values[sizeof...(P) + 1];
    size_t count = sizeof...(P);
    napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
    try {
      std::tuple<Argument<P>...> arguments;
      (std::get<i>(arguments).read(env, values[i]), ...);
      if constexpr (std::is_void_v<R>) {
        function(std::get<i>(arguments).value...);
        return nullptr;
      } else {
        return to_js(env, function(std::get<i>(arguments).value...));
      }
    } catch (const ArgumentError& error) {
      napi_throw_type_error(env, "WEFT_ARGUMENT", error.what());
    } catch (const std::bad_alloc&) {
      napi_throw_error(env, "WEFT_MEMORY", "out of memory");
    } catch (const std::exception& error) {
      napi_throw_error(env, "WEFT_NATIVE", error.what());
    }
    return nullptr;
  }
};

// One function of the addon. The objects form a list before the module starts.
struct Export {
  const char* name;
  napi_callback callback;
  const Export* next;
  static const Export*& first();
  Export(const char* name, napi_callback callback) : name(name), callback(callback), next(first()) { first() = this; }
};

}  // namespace weft

// WEFT_EXPORT(gelu, weft::gelu) gives the addon a function `gelu`.
#define WEFT_EXPORT(name, function) \
  static const ::weft::Export weft_export_##name{#name, &::weft::Call<decltype(&function), &function>::run};
