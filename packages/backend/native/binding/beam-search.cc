#include "convert.h"

#include "../kernels/beam-attention.h"
#include "../kernels/top-tokens.h"

WEFT_EXPORT(beamAttention, weft::beam_attention)
WEFT_EXPORT(topTokens, weft::top_tokens)
