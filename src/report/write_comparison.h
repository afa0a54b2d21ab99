// Several runs beside each other: which scheme, which settings, which layers.
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "report/report.h"

namespace quantize {

struct ComparedRun {
  Report report;
  std::string page;  // the address of its own page, seen from the comparison; empty where there is none
};

// The run whose report lies at `json`, for a comparison that will lie at `comparison`: its page is looked for beside the report, under the
// name that a run gives it. Throws as read_report does.
ComparedRun read_run(const std::filesystem::path& json, const std::filesystem::path& comparison);

// One self-contained page that opens offline: a table of all runs with the best of each figure marked, size against accuracy, the loss of
// every layer in each run, and the settings in which they differ. A report that is given twice is listed once. `notes` stand above the
// table: jobs that failed, say.
std::string write_comparison_html(std::span<const ComparedRun> runs, std::span<const std::string> notes = {});
// The same table in short for a terminal, one line a run.
std::string write_comparison_text(std::span<const ComparedRun> runs);

}  // namespace quantize
