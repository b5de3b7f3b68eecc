#include "convert.h"

#include "../kernels/decoder-step.h"

namespace weft {

// Int32Array, in the order of the fields.
template <> struct Argument<const StepSizes&> {
  StepSizes value;
  void read(napi_env env, napi_value from) {
    size_t length = 0;
    const int32_t* const sizes = static_cast<const int32_t*>(typed_array_data(env, from, ElementType<int32_t>::type, &length));
    if (length != 10) throw ArgumentError("expected 10 sizes");
    value = {sizes[0], sizes[1], sizes[2], sizes[3], sizes[4], sizes[5], sizes[6], sizes[7], sizes[8], sizes[9]};
  }
};

}  // namespace weft

WEFT_EXPORT(decoderStep, weft::decoder_step)
