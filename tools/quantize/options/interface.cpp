// The model's interface and its exchange with other tools: types of input and output, encodings in and out.
#include "base/error.h"
#include "base/suggest.h"
#include "options/choice.h"
#include "options/groups.h"

namespace quantize::cli {
namespace {

const std::map<std::string, InputType> inputs = {
    {"float", InputType::floats}, {"uint8", InputType::pixels}, {"uint8-nhwc", InputType::camera}};
const std::map<std::string, OutputType> outputs = {
    {"float", OutputType::floats}, {"int", OutputType::integers}, {"argmax", OutputType::classes}};
const std::map<std::string, AimetVersion> formats = {{"aimet", AimetVersion::v1_0_0},
                                                     {"aimet-0.6.1", AimetVersion::v0_6_1},
                                                     {"aimet-1.0.0", AimetVersion::v1_0_0},
                                                     {"aimet-2.0.0", AimetVersion::v2_0_0}};

}  // namespace

void add_interface_options(CLI::App& app, Input& input) {
  auto& options = input.arguments.options;
  const std::string group = "Interface and exchange";
  add_choice(
      app, "--input-dtype", options.input_type, inputs,
      "What the model takes: normalised floats, or uint8 pixels that it normalises itself, in its own order or as a camera's height x "
      "width x channels")
      ->group(group);
  add_choice(app, "--output-dtype", options.output_type, outputs,
             "What the model gives: float logits, the integers behind them (scale in its metadata), or the class of each pixel (said in "
             "its metadata)")
      ->group(group);
  app.add_option("--import-encodings", options.import_encodings,
                 "Take encodings from AIMET's encodings or ONNX Runtime's TensorQuantOverrides (JSON) as they are; nothing is optimized")
      ->option_text("FILE")
      ->group(group);
  app.add_option(
         "--export-encodings", input.raw.export_encodings,
         "Also write the encodings for AIMET (0.6.1, 1.0.0 or 2.0.0) to FILE, and the FP32 model they belong to beside it as FILE.onnx")
      ->option_text("aimet[-VERSION]:FILE")
      ->group(group);
}

void finish_interface(const Raw& raw, Options& options) {
  if (raw.export_encodings.empty()) return;
  const auto colon = raw.export_encodings.find(':');
  const std::string name = raw.export_encodings.substr(0, colon);
  const auto format = formats.find(name);
  if (format == formats.end() || colon == std::string::npos || colon + 1 == raw.export_encodings.size()) {
    std::vector<std::string> known;
    for (const auto& [word, version] : formats) known.push_back(word);
    throw Error(ErrorKind::usage, "--export-encodings '" + raw.export_encodings +
                                      "' is not FORMAT:FILE with a format out of aimet, aimet-0.6.1, aimet-1.0.0, aimet-2.0.0" +
                                      did_you_mean(name, known));
  }
  options.export_version = format->second;
  options.export_encodings = raw.export_encodings.substr(colon + 1);
}

}  // namespace quantize::cli
