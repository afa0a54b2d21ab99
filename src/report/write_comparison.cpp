#include "report/write_comparison.h"

#include <algorithm>
#include <filesystem>

#include "report/assets.h"
#include "report/page_template.h"
#include "report/words.h"
#include "report/write_report.h"

namespace quantize {
namespace {

using Row = std::vector<std::string>;

std::string name_of(const Report& report) { return std::filesystem::path(report.quantized.path).filename().string(); }

Row row_of(const Report& report) {
  const Accuracy& accuracy = report.accuracy;
  const bool measured = !accuracy.images.empty();
  return {name_of(report),
          report.scheme,
          words::bytes(report.quantized.bytes),
          words::compare_size(report.fp32.bytes, report.quantized.bytes),
          report.latency ? words::compare_speed(report.latency->speedup) : "-",
          measured ? words::decibels(accuracy.psnr_db) : "-",
          measured ? words::percent(accuracy.agreement) : "-",
          measured ? words::fixed(accuracy.miou_vs_fp32, 3) : "-",
          accuracy.miou_quantized ? words::fixed(*accuracy.miou_quantized, 4) : "-",
          judge(report).headline};
}

std::string title_of(std::span<const Report> reports) {
  if (reports.empty()) return "No runs";
  const auto model = std::filesystem::path(reports[0].fp32.path).filename().string();
  const bool same = std::ranges::all_of(reports, [&](const Report& r) { return r.fp32.fingerprint == reports[0].fp32.fingerprint; });
  return same ? model : words::count(reports.size(), "run");
}

}  // namespace

std::string write_comparison_html(std::span<const Report> reports, std::span<const std::string> notes) {
  std::string items, json;
  for (const auto& note : notes) items += "<li>" + escape_html(note) + "</li>\n";
  for (const auto& report : reports) json += (json.empty() ? "" : ",\n") + write_json(report);
  const std::string_view scripts[] = {assets::words_script, assets::table_script, assets::charts_script, assets::comparison_script};
  return fill_page(assets::comparison_page,
                   {{"title", escape_html(title_of(reports))}, {"notes", items}, {"reports", escape_script("[" + json + "]")}}, scripts);
}

std::string write_comparison_text(std::span<const Report> reports) {
  std::vector<Row> rows = {{"Model", "Scheme", "Bytes", "Size", "Speed", "PSNR", "Pixels as FP32", "mIoU vs FP32", "mIoU", "Verdict"}};
  for (const auto& report : reports) rows.push_back(row_of(report));
  std::vector<std::size_t> widths(rows[0].size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) {
      row[i].resize(widths[i] + 2, ' ');
      text += row[i];
    }
    text += row.back() + "\n";
  }
  return text;
}

}  // namespace quantize
