// Fills the pages of src/report/page/ with what they show. What goes in is markup already: escape_html and escape_script make text safe.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quantize {

std::string escape_html(std::string_view text);
// JSON for a script element.
std::string escape_script(std::string_view json);

// `page` with every {{name}} replaced in one pass, so that braces inside a value stay as they are: {{head}} by what every page has in its
// head, with values["title"] and the style sheets, {{scripts}} by the chart library and `scripts`, each in an element of its own, all
// others from `values`. Throws Error{internal} for a name it does not have.
std::string fill_page(std::string_view page, std::map<std::string_view, std::string> values, std::span<const std::string_view> scripts);

}  // namespace quantize
