// Several runs beside each other: which scheme, which settings, which layers.
#pragma once

#include <span>
#include <string>

#include "report/report.h"

namespace quantize {

// One self-contained page that opens offline: a table of all runs with the best of each figure marked, size against accuracy, the loss of
// every layer in each run, and the settings in which they differ. `notes` stand above the table: jobs that failed, say.
std::string write_comparison_html(std::span<const Report> reports, std::span<const std::string> notes = {});
// The same table in short for a terminal, one line a run.
std::string write_comparison_text(std::span<const Report> reports);

}  // namespace quantize
