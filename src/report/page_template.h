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

// A page: src/report/page/frame.html, which all pages share, around `content`. Every {{name}} is replaced in one pass by what `values`
// holds, so that braces inside a value stay as they are. The frame asks for "kicker", "title" (markup) and "data" (JSON, as escape_script
// leaves it); what the content asks for is its own. The chart library and what every page needs stand before `scripts`, each in an element
// of its own. Throws Error{internal} for a name that has no value.
std::string fill_page(std::string_view content, std::map<std::string_view, std::string> values, std::span<const std::string_view> scripts);

}  // namespace quantize
