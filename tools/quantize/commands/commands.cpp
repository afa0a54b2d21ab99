#include "commands/commands.h"

namespace quantize::cli {

std::span<const Command> commands() {
  static const Command all[] = {quantize_command(),       sensitivity_command(), compile_command(),
                                measure_memory_command(), completions_command(), man_command()};
  return all;
}

}  // namespace quantize::cli
