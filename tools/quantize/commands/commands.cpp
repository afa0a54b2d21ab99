#include "commands/commands.h"

namespace quantize::cli {

std::span<const Command> commands() {
  static const Command all[] = {quantize_command(),    calibrate_command(),   merge_command(),         encode_command(),
                                apply_command(),       sensitivity_command(), evaluate_command(),      inspect_command(),
                                report_command(),      demo_command(),        batch_command(),         compile_command(),
                                completions_command(), man_command(),         measure_memory_command()};
  return all;
}

}  // namespace quantize::cli
