#include "report/provider_page.h"

#include <algorithm>
#include <cmath>

#include "report/page_template.h"
#include "report/words.h"

namespace quantize {
namespace {

using Row = std::vector<std::string>;

constexpr std::size_t short_cell = 40;  // letters: longer ones wrap

// Cells are HTML already.
std::string table(const Row& head, const std::vector<Row>& rows) {
  const auto line = [](const Row& cells, const std::string& tag) {
    std::string text = "<tr>";
    for (const auto& cell : cells) text += "<" + tag + (cell.size() > short_cell ? " class=\"wide\">" : ">") + cell + "</" + tag + ">";
    return text + "</tr>\n";
  };
  std::string text = "<div class=\"scroll\"><table>\n<thead>" + line(head, "th") + "</thead><tbody>\n";
  for (const auto& row : rows) text += line(row, "td");
  return text + "</tbody></table></div>\n";
}

Row figures(const std::string& what, const Closeness& closeness, const std::optional<double>& labels) {
  return {what,
          words::decibels(closeness.psnr_db),
          words::decibels(closeness.sqnr_db),
          words::percent(closeness.agreement),
          words::miou(closeness.miou),
          labels ? words::miou(*labels) : "-"};
}

std::string accuracy_table(const ProviderReport& provider) {
  return table({"Output", "PSNR", "SQNR", "Same class", "mIoU", "mIoU on labels"},
               {figures("here against FP32", provider.against_fp32, provider.miou_labels),
                figures("simulated on the CPU, against FP32", provider.cpu_against_fp32, provider.cpu_miou_labels),
                figures("here against that simulation", provider.against_cpu, std::nullopt)});
}

std::string time(const ProviderReport& provider) {
  std::string text = words::fixed(provider.milliseconds, 1) + " ms an image";
  if (provider.simulated) return text + " on the simulator, which says nothing about the device";
  if (provider.fp32_milliseconds) {
    text += ", FP32 " + words::fixed(*provider.fp32_milliseconds, 1) + " ms (" +
            words::compare_speed(*provider.fp32_milliseconds / provider.milliseconds) + ")";
  }
  return text;
}

std::string contexts_table(const std::vector<CompiledContext>& contexts) {
  std::vector<Row> rows;
  for (const auto& context : contexts) {
    std::string facts;
    for (const auto& [name, value] : context.facts) facts += (facts.empty() ? "" : ", ") + escape_html(name + " " + value);
    rows.push_back({"v" + escape_html(context.arch) + (context.soc.empty() ? "" : ", SoC " + escape_html(context.soc)),
                    context.ready ? "yes" : "no: " + escape_html(context.reason), context.ready ? words::bytes(context.bytes) : "-",
                    context.sqnr_db ? words::decibels(*context.sqnr_db) : "-", facts});
  }
  return table({"Architecture", "Ready", "Context binary", "SQNR there, one image", "Facts"}, rows);
}

std::string section(const ProviderReport& provider, std::size_t number) {
  const std::string name = escape_html(provider.name);
  std::string text = "<section id=\"provider_" + std::to_string(number) + "\">\n<h2>" +
                     (provider.name == "qnn" ? "Is it ready for the NPU?" : "On " + name) + "</h2>\n<p>" +
                     escape_html(readiness(provider)) + "</p>\n<p class=\"hint\">" + name + ", " + words::count(provider.images, "image") +
                     ", " + time(provider) + ".</p>\n";
  if (!provider.contexts.empty()) text += contexts_table(provider.contexts);
  text += accuracy_table(provider);
  if (!provider.remarks.empty()) {
    text += "<h3>What keeps it from being better</h3>\n<ul>\n";
    for (const auto& remark : provider.remarks) text += "<li>" + escape_html(remark) + "</li>\n";
    text += "</ul>\n";
  }
  if (!provider.fallen_back.empty()) {
    std::vector<Row> rows;
    for (const auto& node : provider.fallen_back)
      rows.push_back({escape_html(node.node), escape_html(node.op_type), escape_html(node.reason)});
    text += "<h3>Nodes that run on the CPU instead</h3>\n" + table({"Node", "Operator", "Why"}, rows);
  }
  if (!provider.layers.empty()) {
    std::vector<Row> rows;
    for (const auto& layer : provider.layers) {
      rows.push_back(
          {escape_html(layer.node), escape_html(layer.op_type), words::decibels(layer.device_sqnr_db), words::decibels(layer.cpu_sqnr_db)});
    }
    text += "<h3>Worst layers there</h3>\n" + table({"Node", "Operator", "SQNR there", "SQNR simulated on the CPU"}, rows);
  }
  if (!provider.kernels.empty()) {
    std::vector<Row> rows;
    for (const auto& [kernel, nodes] : provider.kernels) rows.push_back({escape_html(kernel), std::to_string(nodes)});
    text += "<h3>Kernels it used</h3>\n" + table({"Kernel", "Nodes"}, rows);
  }
  return text + "</section>\n";
}

}  // namespace

std::string readiness(const ProviderReport& provider) {
  if (!provider.fallen_back.empty()) {
    return "Not whole: " + words::count(provider.fallen_back.size(), "node") + " of " +
           std::to_string(provider.nodes + provider.fallen_back.size()) + " do not run there, first '" + provider.fallen_back[0].node +
           "'" + (provider.fallen_back[0].reason.empty() ? "." : " (" + provider.fallen_back[0].reason + ").");
  }
  const auto failed = std::ranges::find(provider.contexts, false, &CompiledContext::ready);
  if (failed != provider.contexts.end())
    return "Not for every architecture: v" + failed->arch + " does not compile (" + failed->reason + ").";
  const double lost = provider.cpu_against_fp32.sqnr_db - provider.against_fp32.sqnr_db;
  const std::string level = words::decibels(provider.against_fp32.sqnr_db) + " against FP32 there, " +
                            words::decibels(provider.cpu_against_fp32.sqnr_db) + " simulated on the CPU";
  if (std::isnan(provider.against_fp32.sqnr_db)) return "It runs whole, but what it gives there is not a number.";
  if (lost > 1) return "It runs whole, but loses accuracy there: " + level + ".";
  return "Yes: every node runs there, " + level + ".";
}

std::string provider_sections(std::span<const ProviderReport> providers) {
  std::string text;
  for (std::size_t i = 0; i < providers.size(); ++i) text += section(providers[i], i);
  return text;
}

}  // namespace quantize
