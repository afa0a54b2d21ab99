// What write_json.cpp and read_report.cpp agree on besides the names of the fields (data/report.schema.json).
#pragma once

namespace quantize {

constexpr int report_schema_version = 1;
// Stands for infinite decibels, no error at all, which JSON cannot say.
constexpr double no_error_db = 999;

}  // namespace quantize
