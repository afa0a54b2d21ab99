// Evaluation: on which images, and how much of it.
#include "options/groups.h"
#include "options/number.h"

namespace quantize::cli {

void add_evaluation_options(CLI::App& app, Input& input) {
  auto& options = input.arguments.options;
  const std::string group = "Evaluation";
  app.add_option("--test", options.test, "Folder of pictures that calibration does not see")->option_text("DIR")->group(group);
  add_number<double>(app, "--holdout", options.holdout, "Without --test: share of the calibration folder kept for evaluation [0.2]")
      ->option_text("X")
      ->excludes("--test")
      ->group(group);
  app.add_option("--labels", options.labels, "Folder of class-index PNGs of the same stems, for true mIoU")
      ->option_text("DIR")
      ->group(group);
  add_number<int>(app, "--latency-runs", options.latency_runs, "Timed runs of each model; 0: no timing [20]")
      ->option_text("N")
      ->group(group);
  app.add_option("--provider", options.providers,
                 "Evaluate there too: qnn (Qualcomm's NPU, simulated), openvino, or NAME[:LIBRARY][,key=value...] (repeatable)")
      ->allow_extra_args(false)
      ->option_text("NAME")
      ->group(group);
  app.add_flag("--strict-provider", options.strict_provider, "Fail where a node does not run on a --provider")->group(group);
  add_number<std::size_t>(app, "--provider-images", options.provider_images, "Test images to run there [all; 2 on a simulator]")
      ->option_text("N")
      ->group(group);
  add_number<int>(app, "--pictures", options.pictures, "Pictures shown in the HTML report [6]")->option_text("N")->group(group);
}

}  // namespace quantize::cli
