#include "verify/verify.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "run/session.h"

namespace quantize {
namespace {

// A wrong shape that the model declares for an output, and the like: ONNX Runtime says so of the float model, too.
std::vector<std::string> warnings_about(const Model& model, std::span<const Tensor> inputs) {
  take_runtime_warnings();
  try {
    static_cast<void>(Session(model.proto, {.limits = model.limits}).run(inputs));
  } catch (const Error&) {  // then nothing of what it says is excused
  }
  return take_runtime_warnings();
}

Issues check_run(const Model& prepared, const std::filesystem::path& file, std::span<const Tensor> inputs) {
  Issues issues;
  take_runtime_warnings();
  try {
    const Session session(file);
    for (const auto& output : session.run(inputs)) {
      if (output.type != onnx::TensorProto::FLOAT) continue;
      const auto values = output.as<float>();
      if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); }))
        issues.emplace_back("the quantized model's output holds NaN or infinity");
    }
  } catch (const Error& error) {
    issues.emplace_back(error.what());
  }
  const auto warnings = take_runtime_warnings();
  const auto excused = warnings.empty() ? warnings : warnings_about(prepared, inputs);
  for (const auto& warning : warnings) {
    if (std::ranges::find(excused, warning) == excused.end()) issues.push_back("ONNX Runtime warns: " + warning);
  }
  return issues;
}

}  // namespace

void verify(const Model& original, const Model& prepared, const std::filesystem::path& file, const Placement& placement,
            const Encodings& encodings, std::span<const Tensor> inputs) {
  const std::string what = "the quantized model failed its own checks and was not kept: ";
  Model written;
  Issues issues;
  try {
    written = load_written_model(file);  // includes ONNX's checker
  } catch (const Error& error) {
    throw Error(ErrorKind::verification, what + error.what());
  }
  const auto collect = [&](Issues found) { issues.insert(issues.end(), found.begin(), found.end()); };
  collect(check_interface(original.proto, written.proto));
  collect(check_weights(prepared, written.proto, placement, encodings));
  collect(check_biases(written.proto));
  collect(check_activations(prepared.proto, written.proto, placement, encodings));
  collect(check_integer_activations(prepared.proto, written.proto, placement, encodings));
  collect(check_pixels(prepared.proto, written.proto));
  collect(check_run(prepared, file, inputs));
  if (issues.empty()) return;
  std::string text = what;
  for (std::size_t i = 0; i < issues.size() && i < 5; ++i) text += (i == 0 ? "" : "; ") + issues[i];
  if (issues.size() > 5) text += "; and " + std::to_string(issues.size() - 5) + " more";
  throw Error(ErrorKind::verification, text);
}

}  // namespace quantize
