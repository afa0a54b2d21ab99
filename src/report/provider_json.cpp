#include "report/provider_json.h"

#include <cmath>

#include "formats/dump.h"
#include "report/schema.h"
#include "report/write_report.h"

namespace quantize {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json decibels(double value) { return std::isinf(value) ? Json(std::copysign(no_error_db, value)) : number(value); }

Json closeness(const Closeness& figures) {
  return {{"psnr_db", decibels(figures.psnr_db)},
          {"sqnr_db", decibels(figures.sqnr_db)},
          {"agreement", number(figures.agreement)},
          {"miou", number(figures.miou)}};
}

template <typename Values, typename Convert>
Json list(const Values& values, Convert convert) {
  Json result = Json::array();
  for (const auto& value : values) result.push_back(convert(value));
  return result;
}

}  // namespace

Json to_json(const CompiledContext& context) {
  Json result = {{"arch", context.arch},    {"soc", context.soc},     {"ready", context.ready},
                 {"file", context.file},    {"bytes", context.bytes}, {"seconds", number(context.seconds)},
                 {"reason", context.reason}};
  if (context.sqnr_db) result["sqnr_db"] = decibels(*context.sqnr_db);
  result["facts"] = list(context.facts, [](const auto& fact) { return Json{{"name", fact.first}, {"value", fact.second}}; });
  return result;
}

Json to_json(const ProviderReport& report) {
  Json result = {{"name", report.name}, {"simulated", report.simulated}, {"nodes", report.nodes}};
  result["fallen_back"] = list(report.fallen_back, [](const auto& node) {
    return Json{{"node", node.node}, {"op_type", node.op_type}, {"reason", node.reason}};
  });
  result["kernels"] = list(report.kernels, [](const auto& kernel) { return Json{{"kernel", kernel.first}, {"nodes", kernel.second}}; });
  result["images"] = report.images;
  result["against_fp32"] = closeness(report.against_fp32);
  result["against_cpu"] = closeness(report.against_cpu);
  result["cpu_against_fp32"] = closeness(report.cpu_against_fp32);
  if (report.miou_labels) result["miou_labels"] = number(*report.miou_labels);
  if (report.cpu_miou_labels) result["cpu_miou_labels"] = number(*report.cpu_miou_labels);
  result["layers"] = list(report.layers, [](const auto& layer) {
    return Json{{"node", layer.node},
                {"op_type", layer.op_type},
                {"tensor", layer.tensor},
                {"device_sqnr_db", decibels(layer.device_sqnr_db)},
                {"cpu_sqnr_db", decibels(layer.cpu_sqnr_db)}};
  });
  result["milliseconds"] = number(report.milliseconds);
  if (report.fp32_milliseconds) result["fp32_milliseconds"] = number(*report.fp32_milliseconds);
  result["contexts"] = list(report.contexts, [](const auto& context) { return to_json(context); });
  result["remarks"] = report.remarks;
  return result;
}

std::string write_json(const CompiledContext& context) { return dump(to_json(context), 2) + "\n"; }

}  // namespace quantize
