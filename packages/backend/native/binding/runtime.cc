#include "convert.h"

#include "../runtime/cpu.h"
#include "../runtime/parallel.h"

namespace weft {
namespace {

int32_t threads() { return num_threads(); }
void use_threads(int32_t count) { set_num_threads(count); }
const char* instruction_set() { return isa_name(isa()); }
bool use_instruction_set(int32_t level) { return level >= 0 && level <= 3 && set_isa(static_cast<Isa>(level)); }
bool has_instruction_set(int32_t level) { return level >= 0 && level <= 3 && isa_supported(static_cast<Isa>(level)); }
int64_t scratch_memory() { return scratch_total(); }

WEFT_EXPORT(threads, threads)
WEFT_EXPORT(useThreads, use_threads)
WEFT_EXPORT(instructionSet, instruction_set)
WEFT_EXPORT(useInstructionSet, use_instruction_set)
WEFT_EXPORT(hasInstructionSet, has_instruction_set)
WEFT_EXPORT(scratchMemory, scratch_memory)

}  // namespace
}  // namespace weft
