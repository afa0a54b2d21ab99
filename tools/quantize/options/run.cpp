// All groups of the main job. The parts of the long form take them all, so that one --config serves every part; what does not concern a
// part has no effect there.
#include "options/groups.h"

namespace quantize::cli {

void add_run_options(CLI::App& app, Input& input) {
  add_model(app, input);
  add_job_options(app, input);
  add_preprocessing_options(app, input);
  add_quantization_options(app, input);
  add_mixed_options(app, input);
  add_interface_options(app, input);
  add_evaluation_options(app, input);
  add_gate_options(app, input);
  add_general_options(app, input);
  add_memory_limit(app, input);
}

void finish_run_options(Input& input) {
  finish_quantization(input.raw, input.arguments.options);
  finish_preprocessing(input.raw, input.arguments.options);
  finish_mixed(input.raw, input.arguments.options);
  finish_interface(input.raw, input.arguments.options);
}

void describe_output(CLI::App& app, const std::string& help) { app.get_option("--output")->description(help); }

std::filesystem::path beside_model(const Options& options, const std::string& ending) {
  return with_ending(options.model, "." + options.scheme.name + ending);
}

}  // namespace quantize::cli
