// A report read back from the JSON that write_json wrote: for comparing runs, and for judging a finished one again.
#pragma once

#include <filesystem>
#include <string_view>

#include "report/report.h"

namespace quantize {

// Everything but the pictures' bytes, which only the HTML holds. null becomes NaN and 999 dB infinity again. Fields that this version does
// not know are ignored. Throws Error{data} naming the file where it is missing, is not a report, or follows another version of the schema.
Report read_report(const std::filesystem::path& file);
// The same from text; `name` stands for the file in messages.
Report parse_report(std::string_view json, const std::filesystem::path& name);

}  // namespace quantize
