#include "report/page_template.h"

#include "base/error.h"
#include "report/assets.h"

namespace quantize {

std::string escape_html(std::string_view text) {
  std::string result;
  for (const char letter : text) switch (letter) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += letter;
    }
  return result;
}

// Inside a script element neither "</script" nor "<!--" may appear. JSON has "<" only within strings, where \u003c says the same.
std::string escape_script(std::string_view json) {
  std::string result;
  for (const char letter : json) {
    if (letter == '<')
      result += "\\u003c";
    else
      result += letter;
  }
  return result;
}

namespace {

using Values = std::map<std::string_view, std::string>;

std::string fill(std::string_view page, const Values& values) {
  std::string text;
  for (std::size_t open = page.find("{{"); open != std::string_view::npos; open = page.find("{{")) {
    const std::size_t close = page.find("}}", open);
    const auto value = values.find(page.substr(open + 2, close - open - 2));
    if (value == values.end()) throw Error(ErrorKind::internal, "a page asks for something that its writer does not have");
    text.append(page.substr(0, open)).append(value->second);
    page.remove_prefix(close + 2);
  }
  return text.append(page);
}

}  // namespace

std::string fill_page(std::string_view content, Values values, std::span<const std::string_view> scripts) {
  values["style"] = assets::page_style;
  values["uplot_style"] = assets::uplot_style;
  std::string& elements = values["scripts"];
  elements = "<script>" + std::string(assets::uplot_script) + "</script>\n";
  const auto add = [&](std::string_view script) { elements += "<script>\n" + std::string(script) + "</script>\n"; };
  for (const std::string_view script : {assets::words_script, assets::table_script, assets::charts_script}) add(script);
  for (const std::string_view script : scripts) add(script);
  values["content"] = fill(content, values);
  return fill(assets::page_frame, values);
}

}  // namespace quantize
