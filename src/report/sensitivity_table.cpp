#include "report/sensitivity_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "formats/dump.h"
#include "report/assets.h"
#include "report/page_template.h"

namespace quantize {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

Json row(const SensitivityRow& row) {
  return {{"kind", row.kind},
          {"name", row.name},
          {"op_type", row.op_type},
          {"bits", row.bits},
          {"noise", number(row.noise)},
          {"sqnr_db", number(row.sqnr_db)},
          {"psnr_db", number(row.psnr_db)},
          {"psnr_db_worst", number(row.psnr_db_worst)},
          {"agreement", number(row.agreement)}};
}

}  // namespace

std::string write_json(const SensitivityTable& table) {
  const Json head = {
      {"format", "quantize sensitivity"},
      {"version", 1},
      {"program", table.version},
      {"command", table.command},
      {"scheme", table.scheme},
      {"target", table.target},
      {"model", {{"path", table.fp32.path}, {"fingerprint", table.fp32.fingerprint}}},
      {"calibration",
       {{"folder", table.calibration.folder}, {"fingerprint", table.calibration.fingerprint}, {"images", table.calibration.images}}},
      {"samples", table.samples},
      {"warnings", table.warnings}};
  std::string text = "{\n";
  for (const auto& [key, value] : head.items()) text += "  " + dump(Json(key)) + ": " + dump(value) + ",\n";
  text += "  \"rows\": [";
  for (std::size_t i = 0; i < table.rows.size(); ++i) text += (i == 0 ? "\n    " : ",\n    ") + dump(row(table.rows[i]));
  return text + "\n  ]\n}\n";
}

std::string write_html(const SensitivityTable& table) {
  const std::string_view scripts[] = {assets::sensitivity_script};
  const std::string title = std::filesystem::path(table.fp32.path).filename().string();
  return fill_page(assets::sensitivity_page,
                   {{"kicker", "Sensitivity to quantization"}, {"title", escape_html(title)}, {"data", escape_script(write_json(table))}},
                   scripts);
}

std::string write_text(const SensitivityTable& table, std::size_t most) {
  auto rows = table.rows;
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.noise > b.noise; });
  std::string text = "   SQNR dB   PSNR dB   worst dB  agreement  only this quantized\n";
  for (std::size_t i = 0; i < std::min(most, rows.size()); ++i) {
    char figures[96];
    std::snprintf(figures, sizeof figures, "%10.2f%10.2f%11.2f%11.5f  ", rows[i].sqnr_db, rows[i].psnr_db, rows[i].psnr_db_worst,
                  rows[i].agreement);
    text += figures + std::string(rows[i].kind == "weights" ? "W" : "A") + std::to_string(rows[i].bits) + " " + rows[i].op_type + " " +
            rows[i].name + "\n";
  }
  if (most < rows.size()) text += "  ... and " + std::to_string(rows.size() - most) + " less sensitive ones\n";
  return text;
}

}  // namespace quantize
