// Gates: what a pipeline demands of the result.
#include "options/groups.h"
#include "options/number.h"

namespace quantize::cli {

void add_gate_options(CLI::App& app, Input& input) {
  auto& gates = input.arguments.options.gates;
  const std::string group = "Gates: a missed one exits with 8 and leaves model and report";
  const auto add = [&](const char* name, std::optional<double>& threshold, const char* help) {
    add_number<double>(app, name, threshold, help)->option_text("X")->group(group);
  };
  add("--min-psnr", gates.min_psnr, "Mean PSNR of the outputs, in dB");
  add("--min-sqnr", gates.min_sqnr, "SQNR of the outputs, in dB");
  add("--min-agreement", gates.min_agreement, "Share of pixels with the class that FP32 gives them, 0..1");
  add("--min-miou", gates.min_miou, "mIoU against --labels; without labels, against FP32");
  add("--max-miou-drop", gates.max_miou_drop, "mIoU against --labels that may be lost, FP32 minus quantized, less than 1");
  add("--min-size-ratio", gates.min_size_ratio, "How many times smaller the file has to be");
  add("--min-speedup", gates.min_speedup, "How many times faster the model has to run");
  app.add_flag("--ci", input.arguments.options.ci_reports, "Write JUnit XML and a Markdown summary beside the JSON (always with a gate)")
      ->group(group);
}

}  // namespace quantize::cli
