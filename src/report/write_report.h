// REPORT: the ways to show a Report.
#pragma once

#include <string>

#include "report/provider_report.h"
#include "report/report.h"

namespace quantize {

// Follows data/report.schema.json. Infinite decibels (no error at all) are written as 999.
std::string write_json(const Report& report);
// The facts of one compiled context, as a file of its own.
std::string write_json(const CompiledContext& context);
// One self-contained page that opens offline.
std::string write_html(const Report& report);
// About a dozen lines for a terminal: how much smaller, how much faster, how good, what to look at.
std::string write_text(const Report& report);
// JUnit XML: one test case for the run and one per gate, for pipelines that show test results.
std::string write_junit(const Report& report);
// GitHub's Markdown: a summary for pipelines that show one.
std::string write_markdown(const Report& report);

}  // namespace quantize
