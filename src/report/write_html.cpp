#include <cstdint>
#include <span>
#include <string_view>

#include "report/assets.h"
#include "report/gates.h"
#include "report/page_template.h"
#include "report/provider_page.h"
#include "report/verdict.h"
#include "report/words.h"
#include "report/write_report.h"

namespace quantize {
namespace {

std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t start = 0; start < bytes.size(); start += 3) {
    const auto at = [&](std::size_t offset) { return start + offset < bytes.size() ? std::uint32_t{bytes[start + offset]} : 0U; };
    const std::uint32_t group = at(0) << 16U | at(1) << 8U | at(2);
    for (const unsigned shift : {18U, 12U, 6U, 0U}) text += digits[group >> shift & 63U];
  }
  const std::size_t padding = (3 - bytes.size() % 3) % 3;
  return text.replace(text.size() - padding, padding, padding, '=');
}

std::string pane(const ComparedPicture& picture, std::string_view kind, std::string_view caption, const std::string& alternative,
                 std::span<const std::uint8_t> png) {
  return "<figure><button type=\"button\" class=\"pane\" data-kind=\"" + std::string(kind) + "\"><img width=\"" +
         std::to_string(picture.width) + "\" height=\"" + std::to_string(picture.height) + "\" alt=\"" + escape_html(alternative) +
         "\" src=\"data:image/png;base64," + base64(png) + "\"></button><figcaption>" + std::string(caption) + "</figcaption></figure>\n";
}

std::string compared(const ComparedPicture& picture) {
  const std::string& name = picture.name;
  return "<article class=\"picture\" style=\"--width: " + std::to_string(picture.width) + "px\">\n<h3>" + escape_html(name) + " <small>" +
         words::percent(picture.agreement) + " agree, " + words::decibels(picture.psnr_db) +
         "</small> <button type=\"button\" class=\"compare\" data-kind=\"slider\">Compare with a slider</button></h3>\n<div "
         "class=\"panes\">\n" +
         pane(picture, "picture", "Picture", "Picture " + name, picture.picture) +
         pane(picture, "fp32", "FP32", "Classes the FP32 model gives for " + name, picture.fp32_overlay) +
         pane(picture, "quantized", "Quantized", "Classes the quantized model gives for " + name, picture.quantized_overlay) +
         pane(picture, "difference", "Difference",
              "Where the two differ in " + name + ": " + words::percent(1 - picture.agreement) + " of the pixels", picture.difference) +
         "</div>\n</article>\n";
}

std::string all_compared(const Report& report) {
  std::string text;
  for (const ComparedPicture& picture : report.pictures) text += compared(picture);
  return text;
}

// What was demanded of the result, and whether it was met.
std::string gates(const Report& report) {
  std::string items;
  for (const GateResult& gate : report.gates) {
    items += "<li><span class=\"badge " + std::string(gate.passed ? "good\">met" : "poor\">missed") + "</span> " +
             escape_html(describe(gate)) + "</li>\n";
  }
  return items.empty() ? items : "<ul id=\"gates\" class=\"gates\" aria-label=\"Gates\">\n" + items + "</ul>\n";
}

}  // namespace

std::string write_html(const Report& report) {
  const Verdict verdict = judge(report);
  const std::string_view scripts[] = {assets::report_charts_script, assets::pictures_script, assets::report_script};
  return fill_page(assets::report_page,
                   {{"kicker", "Quantization report"},
                    {"title", escape_html(report.quantized.path)},
                    {"verdict_level", level_name(verdict.level)},
                    {"verdict_headline", escape_html(verdict.headline)},
                    {"verdict_reason", escape_html(verdict.reason)},
                    {"gates", gates(report)},
                    {"pictures", all_compared(report)},
                    {"providers", provider_sections(report.providers)},
                    {"data", escape_script(write_json(report))}},
                   scripts);
}

}  // namespace quantize
