#include "report/read_report.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "report/schema.h"

namespace quantize {
namespace {

using Json = nlohmann::json;

double number(const Json& json, const char* key) {
  const Json& value = json.at(key);
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

double decibels(const Json& json, const char* key) {
  const double value = number(json, key);
  return std::abs(value) == no_error_db ? std::copysign(std::numeric_limits<double>::infinity(), value) : value;
}

std::optional<double> optional_number(const Json& json, const char* key) {
  return json.contains(key) ? std::optional(number(json, key)) : std::nullopt;
}

template <typename Value, typename Convert>
std::vector<Value> list(const Json& json, const char* key, Convert convert) {
  std::vector<Value> values;
  for (const Json& item : json.at(key)) values.push_back(convert(item));
  return values;
}

ModelFacts model(const Json& json) {
  return {json.at("path"), json.at("fingerprint"), json.at("bytes"), json.at("opset"), json.at("nodes")};
}

Port port(const Json& json) {
  Port result{json.at("name"), json.at("type"), json.at("shape"), json.at("meaning"), optional_number(json, "scale"), {}};
  if (json.contains("zero_point")) result.zero_point = json.at("zero_point").get<std::int64_t>();
  return result;
}

DataFacts data(const Json& json) { return {json.at("folder"), json.at("fingerprint"), json.at("images"), json.at("skipped")}; }

SizeOfKind size_of_kind(const Json& json) {
  return {json.at("kind"), json.at("fp32_bytes"), json.at("quantized_bytes"), json.at("tensors")};
}

LatencyFacts latency_of(const Json& json) { return {number(json, "median_ms"), number(json, "p10_ms"), number(json, "p90_ms")}; }

Latency latency(const Json& json) {
  return {latency_of(json.at("fp32")), latency_of(json.at("quantized")), number(json, "speedup"), json.at("runs"), json.at("threads")};
}

ImageAccuracy image_accuracy(const Json& json) {
  return {json.at("name"), decibels(json, "psnr_db"), decibels(json, "sqnr_db"), number(json, "agreement")};
}

LabelPixels labels(const Json& json) { return {json.at("all"), json.at("void"), json.at("beyond")}; }

OutputAccuracy output_accuracy(const Json& json) { return {json.at("name"), decibels(json, "sqnr_db")}; }

Accuracy accuracy(const Json& json) {
  Accuracy result;
  result.psnr_db = decibels(json, "psnr_db");
  result.psnr_db_worst = decibels(json, "psnr_db_worst");
  result.worst_image = json.at("worst_image");
  result.sqnr_db = decibels(json, "sqnr_db");
  result.agreement = number(json, "agreement");
  result.flipped_margin = number(json, "flipped_margin");
  result.miou_vs_fp32 = number(json, "miou_vs_fp32");
  result.miou_fp32 = optional_number(json, "miou_fp32");
  result.miou_quantized = optional_number(json, "miou_quantized");
  result.miou_one_class = optional_number(json, "miou_one_class");
  if (json.contains("labels")) result.labels = labels(json.at("labels"));
  if (json.contains("left_out")) result.left_out = json.at("left_out");
  result.only_classes = json.value("only_classes", false);
  result.images = list<ImageAccuracy>(json, "images", image_accuracy);
  for (auto& image : result.images)
    image.compared = result.left_out == 0 || !(std::isnan(image.psnr_db) && std::isnan(image.sqnr_db) && std::isnan(image.agreement));
  if (json.contains("other_outputs")) result.other_outputs = list<OutputAccuracy>(json, "other_outputs", output_accuracy);
  return result;
}

LayerAccuracy layer(const Json& json) { return {json.at("node"), json.at("op_type"), json.at("tensor"), decibels(json, "sqnr_db")}; }

NodeDecision decision(const Json& json) {
  return {json.at("node"), json.at("op_type"), json.at("quantized"), json.at("weights"), json.at("activations"), json.at("reason")};
}

Kernels kernels(const Json& json) {
  const auto one = [](const Json& row) { return FloatKernel{row.at("node"), row.at("op_type"), row.at("reason")}; };
  return {json.at("integer"), json.at("float"), json.at("conversions"), list<FloatKernel>(json, "floats", one)};
}

PlacementTrial trial(const Json& json) {
  return {json.at("what"), json.at("nodes"), number(json, "before_ms"), number(json, "after_ms"), json.at("kept")};
}

TensorHistogram histogram(const Json& json) {
  TensorHistogram result;
  result.tensor = json.at("tensor");
  result.type = json.at("type");
  result.sqnr_db = decibels(json, "sqnr_db");
  result.first_edge = number(json, "first_edge");
  result.bin_width = number(json, "bin_width");
  result.counts = json.at("counts").get<std::vector<std::uint64_t>>();
  result.low = number(json, "low");
  result.high = number(json, "high");
  result.min = number(json, "min");
  result.max = number(json, "max");
  result.method = json.at("method");
  return result;
}

Step step(const Json& json) {
  Step result{json.at("name"), json.at("outcome"), number(json, "seconds")};
  if (json.contains("sqnr_before_db")) result.sqnr_before_db = decibels(json, "sqnr_before_db");
  if (json.contains("sqnr_after_db")) result.sqnr_after_db = decibels(json, "sqnr_after_db");
  return result;
}

GoalFact goal(const Json& json) {
  return {json.at("figure"), optional_number(json, "wanted"), number(json, "before"), number(json, "after")};
}

RaisedBits raised(const Json& json) {
  return {json.at("kind"), json.at("name"),       json.at("op_type"),  json.at("from"),
          json.at("to"),   number(json, "noise"), number(json, "cost")};
}

MixedPrecision mixed(const Json& json) {
  return {json.at("reached"),
          json.at("images"),
          json.at("units"),
          json.at("tried"),
          list<GoalFact>(json, "reach", goal),
          list<GoalFact>(json, "cost", goal),
          list<RaisedBits>(json, "raised", raised)};
}

ComparedPicture picture(const Json& json) {
  return {json.at("name"), json.at("width"), json.at("height"), number(json, "agreement"), decibels(json, "psnr_db"), {}, {}, {}, {}};
}

GateResult gate(const Json& json) {
  GateResult result{json.at("option"), json.at("figure"), json.at("unit"), true, number(json, "threshold"), {}, json.at("passed")};
  result.at_least = result.option.starts_with("--min");
  if (!json.at("measured").is_null()) result.measured = decibels(json, "measured");
  return result;
}

Report report(const Json& json) {
  Report result;
  result.version = json.at("version");
  result.onnx_version = json.at("onnx_version");
  result.onnxruntime_version = json.at("onnxruntime_version");
  result.command = json.at("command");
  result.machine = json.at("machine");
  result.seconds = number(json, "seconds");
  result.scheme = json.at("scheme");
  result.target = json.at("target");
  for (const Json& entry : json.at("config")) result.config.emplace_back(entry.at("name"), entry.at("value"));
  result.fp32 = model(json.at("fp32"));
  result.quantized = model(json.at("quantized"));
  result.inputs = list<Port>(json, "inputs", port);
  result.outputs = list<Port>(json, "outputs", port);
  result.calibration = data(json.at("calibration"));
  result.test = data(json.at("test"));
  result.sizes = list<SizeOfKind>(json, "sizes", size_of_kind);
  if (json.contains("latency")) result.latency = latency(json.at("latency"));
  if (json.contains("memory"))
    result.memory = Memory{json.at("memory").at("fp32_peak_bytes"), json.at("memory").at("quantized_peak_bytes")};
  result.accuracy = accuracy(json.at("accuracy"));
  result.layers = list<LayerAccuracy>(json, "layers", layer);
  result.decisions = list<NodeDecision>(json, "decisions", decision);
  if (json.contains("kernels")) result.kernels = kernels(json.at("kernels"));
  if (json.contains("placement")) result.placement = list<PlacementTrial>(json, "placement", trial);
  result.histograms = list<TensorHistogram>(json, "histograms", histogram);
  result.steps = list<Step>(json, "steps", step);
  if (json.contains("mixed")) result.mixed = mixed(json.at("mixed"));
  result.pictures = list<ComparedPicture>(json, "pictures", picture);
  result.gates = list<GateResult>(json, "gates", gate);
  result.warnings = json.at("warnings").get<std::vector<std::string>>();
  return result;
}

}  // namespace

Report parse_report(std::string_view json, const std::filesystem::path& name) {
  const auto refuse = [&](const std::string& why) { throw Error(ErrorKind::data, name.string() + " is not a report of quantize: " + why); };
  const Json parsed = Json::parse(json, nullptr, false);
  if (!parsed.is_object()) refuse("it does not hold a JSON object");
  const auto version = parsed.find("schema_version");
  if (version == parsed.end() || !version->is_number_integer()) refuse("it has no schema_version");
  if (*version != report_schema_version) {
    throw Error(ErrorKind::data, name.string() + " follows version " + version->dump() + " of the report's schema, this program reads " +
                                     std::to_string(report_schema_version) + ": make the report again");
  }
  try {
    return report(parsed);
  } catch (const Json::exception& error) {
    refuse(error.what());
    throw;
  }
}

Report read_report(const std::filesystem::path& file) { return parse_report(read_file(file), file); }

}  // namespace quantize
