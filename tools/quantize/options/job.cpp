// The job: which model becomes what, and where it goes.
#include "options/choice.h"
#include "options/groups.h"
#include "options/number.h"

namespace quantize::cli {
namespace {

const std::map<std::string, Cpu> processors = {{"any", Cpu::any}, {"vnni", Cpu::vnni}};
const std::map<std::string, Level> levels = {{"0", Level::o0}, {"1", Level::o1}, {"2", Level::o2}, {"3", Level::o3}};

}  // namespace

void add_model(CLI::App& app, Input& input) {
  app.add_option("model", input.arguments.options.model, "The FP32 model")->option_text("MODEL");
}

void add_job_options(CLI::App& app, Input& input) {
  auto& options = input.arguments.options;
  const std::string group = "Job";
  app.add_option("--calib", options.calibration,
                 "Folder of calibration pictures or .npy tensors (sub-folders per input name for several inputs); random: made-up data")
      ->option_text("DIR")
      ->group(group);
  app.add_option("--scheme", input.raw.scheme, "Weight and activation bits [w8a8]")->option_text("w8a8|w8a16|w4a16")->group(group);
  app.add_option("-o,--output", options.output, "The quantized model; the reports go beside it [<model>.<scheme>.onnx]")
      ->option_text("FILE")
      ->group(group);
  add_choice(app, "-O,--optimize", options.level, levels, "How hard to try: 0 plain, 1 seconds more, 2 minutes, 3 longer")->group(group);
  app.add_option("--target", options.target, "The runtime the model is for [ort-cpu]")->option_text("NAME")->group(group);
  add_choice(app, "--cpu", options.cpu, processors,
             "Processors it is for; 'any' has 7-bit weights where x86 without VNNI would cut 16-bit sums")
      ->group(group);
  add_number<std::int64_t>(app, "--opset", options.opset, "Raise the model to at least this opset")->option_text("N")->group(group);
}

void add_dry_run(CLI::App& app, Input& input) {
  app.add_flag("--dry-run", input.arguments.dry_run, "Say what would be quantized, how, and the resulting size; write nothing")
      ->group("Job");
}

}  // namespace quantize::cli
