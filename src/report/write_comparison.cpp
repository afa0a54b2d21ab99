#include "report/write_comparison.h"

#include <algorithm>
#include <filesystem>

#include "report/assets.h"
#include "report/page_template.h"
#include "report/read_report.h"
#include "report/verdict.h"
#include "report/words.h"
#include "report/write_report.h"

namespace quantize {
namespace {

using Row = std::vector<std::string>;

std::string name_of(const Report& report) { return std::filesystem::path(report.quantized.path).filename().string(); }

// Beside FP32's own, which is another where the masks are enlarged otherwise.
std::string on_labels(const Accuracy& accuracy) {
  if (!accuracy.miou_quantized) return "-";
  return words::miou(*accuracy.miou_quantized) + (accuracy.miou_fp32 ? " (FP32 " + words::miou(*accuracy.miou_fp32) + ")" : "");
}

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
          measured ? words::miou(accuracy.miou_vs_fp32) : "-",
          on_labels(accuracy),
          judge(report).headline};
}

// The same report given twice says nothing more, and is listed once.
struct Listed {
  const ComparedRun* run;
  std::string json;
};

std::vector<Listed> each_once(std::span<const ComparedRun> runs) {
  std::vector<Listed> listed;
  for (const auto& run : runs) {
    std::string json = write_json(run.report);
    if (std::ranges::find(listed, json, &Listed::json) == listed.end()) listed.push_back({&run, std::move(json)});
  }
  return listed;
}

std::string title_of(std::span<const Listed> runs) {
  if (runs.empty()) return "No runs";
  const Report& first = runs[0].run->report;
  const bool same =
      std::ranges::all_of(runs, [&](const Listed& one) { return one.run->report.fp32.fingerprint == first.fp32.fingerprint; });
  return same ? std::filesystem::path(first.fp32.path).filename().string() : words::count(runs.size(), "run");
}

// A path as a relative address: what could end it or make it another kind of address is escaped.
std::string address(const std::filesystem::path& path) {
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/", digits = "0123456789ABCDEF";
  std::string text;
  for (const char letter : path.generic_string()) {
    const auto byte = static_cast<unsigned char>(letter);
    if (plain.find(letter) != std::string_view::npos)
      text += letter;
    else
      text += {'%', digits[byte >> 4U], digits[byte & 15U]};
  }
  return text;
}

}  // namespace

ComparedRun read_run(const std::filesystem::path& json, const std::filesystem::path& comparison) {
  ComparedRun run{read_report(json), ""};
  auto page = json;
  page.replace_extension(".html");
  if (std::filesystem::exists(page) && page != comparison)
    run.page = address(std::filesystem::absolute(page).lexically_relative(std::filesystem::absolute(comparison).parent_path()));
  return run;
}

std::string write_comparison_html(std::span<const ComparedRun> runs, std::span<const std::string> notes) {
  std::string items, reports, pages;
  for (const auto& note : notes) items += "<li>" + escape_html(note) + "</li>\n";
  const auto listed = each_once(runs);
  for (const auto& [run, json] : listed) {
    const std::string comma = reports.empty() ? "" : ",\n";
    reports += comma + json;
    pages += comma + '"' + run->page + '"';  // an address holds nothing to escape
  }
  const std::string_view scripts[] = {assets::comparison_script};
  return fill_page(assets::comparison_page,
                   {{"kicker", "Comparison of quantization runs"},
                    {"title", escape_html(title_of(listed))},
                    {"notes", items},
                    {"data", escape_script("{\"reports\": [" + reports + "],\n\"pages\": [" + pages + "]}\n")}},
                   scripts);
}

std::string write_comparison_text(std::span<const ComparedRun> runs) {
  std::vector<Row> rows = {
      {"Model", "Scheme", "Bytes", "Size", "Speed", "PSNR", "Pixels as FP32", "mIoU vs FP32", "mIoU on labels", "Verdict"}};
  for (const auto& listed : each_once(runs)) rows.push_back(row_of(listed.run->report));
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
