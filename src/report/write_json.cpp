#include <cmath>
#include <nlohmann/json.hpp>

#include "formats/dump.h"
#include "report/advice.h"
#include "report/provider_json.h"
#include "report/schema.h"
#include "report/verdict.h"
#include "report/write_report.h"

namespace quantize {
namespace {

// Ordered, so that the file reads in the order of the fields and the same report gives the same bytes.
using Json = nlohmann::ordered_json;

// JSON has no infinity and no NaN; what was not measurable is null.
Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json decibels(double value) { return std::isinf(value) ? Json(std::copysign(no_error_db, value)) : number(value); }

template <typename Values, typename Convert>
Json list(const Values& values, Convert convert) {
  Json result = Json::array();
  for (const auto& value : values) result.push_back(convert(value));
  return result;
}

Json model(const ModelFacts& facts) {
  return {{"path", facts.path}, {"fingerprint", facts.fingerprint}, {"bytes", facts.bytes}, {"opset", facts.opset}, {"nodes", facts.nodes}};
}

Json port(const Port& port) {
  Json result = {{"name", port.name}, {"type", port.type}, {"shape", port.shape}, {"meaning", port.meaning}};
  if (port.scale) result["scale"] = number(*port.scale);
  if (port.zero_point) result["zero_point"] = *port.zero_point;
  return result;
}

Json data(const DataFacts& facts) {
  return {{"folder", facts.folder}, {"fingerprint", facts.fingerprint}, {"images", facts.images}, {"skipped", facts.skipped}};
}

Json size_of_kind(const SizeOfKind& size) {
  return {{"kind", size.kind}, {"fp32_bytes", size.fp32_bytes}, {"quantized_bytes", size.quantized_bytes}, {"tensors", size.tensors}};
}

Json latency_of(const LatencyFacts& facts) {
  return {{"median_ms", number(facts.median_ms)}, {"p10_ms", number(facts.p10_ms)}, {"p90_ms", number(facts.p90_ms)}};
}

Json latency(const Latency& latency) {
  return {{"fp32", latency_of(latency.fp32)},
          {"quantized", latency_of(latency.quantized)},
          {"speedup", number(latency.speedup)},
          {"runs", latency.runs},
          {"threads", latency.threads}};
}

Json memory(const Memory& memory) {
  return {{"fp32_peak_bytes", memory.fp32_peak_bytes}, {"quantized_peak_bytes", memory.quantized_peak_bytes}};
}

Json image_accuracy(const ImageAccuracy& image) {
  return {{"name", image.name},
          {"psnr_db", decibels(image.psnr_db)},
          {"sqnr_db", decibels(image.sqnr_db)},
          {"agreement", number(image.agreement)}};
}

Json output_accuracy(const OutputAccuracy& output) { return {{"name", output.name}, {"sqnr_db", decibels(output.sqnr_db)}}; }

Json accuracy(const Accuracy& accuracy) {
  Json result = {{"psnr_db", decibels(accuracy.psnr_db)},        {"psnr_db_worst", decibels(accuracy.psnr_db_worst)},
                 {"worst_image", accuracy.worst_image},          {"sqnr_db", decibels(accuracy.sqnr_db)},
                 {"agreement", number(accuracy.agreement)},      {"flipped_margin", number(accuracy.flipped_margin)},
                 {"miou_vs_fp32", number(accuracy.miou_vs_fp32)}};
  if (accuracy.miou_fp32) result["miou_fp32"] = number(*accuracy.miou_fp32);
  if (accuracy.miou_quantized) result["miou_quantized"] = number(*accuracy.miou_quantized);
  if (accuracy.miou_one_class) result["miou_one_class"] = number(*accuracy.miou_one_class);
  if (accuracy.labels)
    result["labels"] = {{"all", accuracy.labels->all}, {"void", accuracy.labels->none}, {"beyond", accuracy.labels->beyond}};
  result["left_out"] = accuracy.left_out;
  if (accuracy.only_classes) result["only_classes"] = true;
  result["images"] = list(accuracy.images, image_accuracy);
  result["other_outputs"] = list(accuracy.other_outputs, output_accuracy);
  return result;
}

Json layer(const LayerAccuracy& layer) {
  return {{"node", layer.node}, {"op_type", layer.op_type}, {"tensor", layer.tensor}, {"sqnr_db", decibels(layer.sqnr_db)}};
}

Json decision(const NodeDecision& decision) {
  return {{"node", decision.node},       {"op_type", decision.op_type},         {"quantized", decision.quantized},
          {"weights", decision.weights}, {"activations", decision.activations}, {"reason", decision.reason}};
}

Json kernels(const Kernels& kernels) {
  return {{"integer", kernels.integer},
          {"float", kernels.floating},
          {"conversions", kernels.conversions},
          {"floats", list(kernels.floats, [](const FloatKernel& one) {
             return Json{{"node", one.node}, {"op_type", one.op_type}, {"reason", one.reason}};
           })}};
}

Json trial(const PlacementTrial& trial) {
  return {{"what", trial.what},
          {"nodes", trial.nodes},
          {"before_ms", number(trial.before_ms)},
          {"after_ms", number(trial.after_ms)},
          {"kept", trial.kept}};
}

Json histogram(const TensorHistogram& histogram) {
  return {{"tensor", histogram.tensor},
          {"type", histogram.type},
          {"sqnr_db", decibels(histogram.sqnr_db)},
          {"first_edge", number(histogram.first_edge)},
          {"bin_width", number(histogram.bin_width)},
          {"counts", histogram.counts},
          {"low", number(histogram.low)},
          {"high", number(histogram.high)},
          {"min", number(histogram.min)},
          {"max", number(histogram.max)},
          {"method", histogram.method}};
}

Json step(const Step& step) {
  Json result = {{"name", step.name}, {"outcome", step.outcome}, {"seconds", number(step.seconds)}};
  if (step.sqnr_before_db) result["sqnr_before_db"] = decibels(*step.sqnr_before_db);
  if (step.sqnr_after_db) result["sqnr_after_db"] = decibels(*step.sqnr_after_db);
  return result;
}

Json goal(const GoalFact& goal) {
  Json result = {{"figure", goal.figure}, {"before", number(goal.before)}, {"after", number(goal.after)}};
  if (goal.wanted) result["wanted"] = number(*goal.wanted);
  return result;
}

Json raised(const RaisedBits& raise) {
  return {{"kind", raise.kind}, {"name", raise.name},           {"op_type", raise.op_type},  {"from", raise.from},
          {"to", raise.to},     {"noise", number(raise.noise)}, {"cost", number(raise.cost)}};
}

Json mixed(const MixedPrecision& mixed) {
  return {{"reached", mixed.reached},
          {"images", mixed.images},
          {"units", mixed.units},
          {"tried", mixed.tried},
          {"reach", list(mixed.reach, goal)},
          {"cost", list(mixed.cost, goal)},
          {"raised", list(mixed.raised, raised)}};
}

Json picture(const ComparedPicture& picture) {
  return {{"name", picture.name},
          {"width", picture.width},
          {"height", picture.height},
          {"agreement", number(picture.agreement)},
          {"psnr_db", decibels(picture.psnr_db)}};
}

Json verdict(const Verdict& verdict) {
  return {{"level", level_name(verdict.level)}, {"headline", verdict.headline}, {"reason", verdict.reason}};
}

Json gate(const GateResult& gate) {
  return {{"option", gate.option},
          {"figure", gate.figure},
          {"unit", gate.unit},
          {"threshold", number(gate.threshold)},
          {"measured", gate.measured ? decibels(*gate.measured) : Json(nullptr)},
          {"passed", gate.passed}};
}

Json to_json(const Report& report) {
  Json result = {{"schema_version", report_schema_version},
                 {"version", report.version},
                 {"onnx_version", report.onnx_version},
                 {"onnxruntime_version", report.onnxruntime_version},
                 {"command", report.command},
                 {"machine", report.machine},
                 {"seconds", number(report.seconds)},
                 {"scheme", report.scheme},
                 {"target", report.target}};
  result["verdict"] = verdict(judge(report));
  result["advice"] = list(advise(report), [](const Advice& next) { return Json{{"reason", next.reason}, {"command", next.command}}; });
  result["config"] = list(report.config, [](const auto& entry) { return Json{{"name", entry.first}, {"value", entry.second}}; });
  result["fp32"] = model(report.fp32);
  result["quantized"] = model(report.quantized);
  result["inputs"] = list(report.inputs, port);
  result["outputs"] = list(report.outputs, port);
  result["calibration"] = data(report.calibration);
  result["test"] = data(report.test);
  result["sizes"] = list(report.sizes, size_of_kind);
  if (report.latency) result["latency"] = latency(*report.latency);
  if (report.memory) result["memory"] = memory(*report.memory);
  result["accuracy"] = accuracy(report.accuracy);
  result["layers"] = list(report.layers, layer);
  result["decisions"] = list(report.decisions, decision);
  if (report.kernels) result["kernels"] = kernels(*report.kernels);
  if (!report.placement.empty()) result["placement"] = list(report.placement, trial);
  result["histograms"] = list(report.histograms, histogram);
  result["steps"] = list(report.steps, step);
  if (report.mixed) result["mixed"] = mixed(*report.mixed);
  result["pictures"] = list(report.pictures, picture);
  if (!report.providers.empty()) result["providers"] = list(report.providers, [](const auto& provider) { return to_json(provider); });
  result["gates"] = list(report.gates, gate);
  result["warnings"] = report.warnings;
  return result;
}

std::string dump_list(const Json& values) {
  std::string text = "[";
  for (std::size_t index = 0; index < values.size(); ++index) text += (index == 0 ? "\n    " : ",\n    ") + dump(values[index]);
  return text + (values.empty() ? "]" : "\n  ]");
}

}  // namespace

// One line per field and per element of a list: a histogram's counts on one line each keep the file readable and its differences short.
std::string write_json(const Report& report) {
  std::string text = "{";
  const Json json = to_json(report);
  for (const auto& [key, value] : json.items())
    text += (text.size() == 1 ? "\n  " : ",\n  ") + dump(Json(key)) + ": " + (value.is_array() ? dump_list(value) : dump(value));
  return text + "\n}\n";
}

}  // namespace quantize
