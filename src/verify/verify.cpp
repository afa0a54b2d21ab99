#include "verify/verify.h"

#include <cmath>

#include "base/error.h"
#include "run/session.h"

namespace quantize {

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
  take_runtime_warnings();
  try {
    const Session session(file);
    for (const auto& output : session.run(inputs)) {
      if (output.type != onnx::TensorProto::FLOAT) continue;
      for (const float value : output.as<float>()) {
        if (!std::isfinite(value)) {
          issues.emplace_back("the quantized model's output holds NaN or infinity");
          break;
        }
      }
    }
  } catch (const Error& error) {
    issues.emplace_back(error.what());
  }
  for (const auto& warning : take_runtime_warnings()) issues.push_back("ONNX Runtime warns: " + warning);
  if (issues.empty()) return;
  std::string text = what;
  for (std::size_t i = 0; i < issues.size() && i < 5; ++i) text += (i == 0 ? "" : "; ") + issues[i];
  if (issues.size() > 5) text += "; and " + std::to_string(issues.size() - 5) + " more";
  throw Error(ErrorKind::verification, text);
}

}  // namespace quantize
