// What the user sees while the library works: messages through spdlog and one progress line. Standard output is kept for results.
#pragma once

#include "arguments.h"
#include "base/context.h"

namespace quantize::cli {

// Sets context.log and context.progress.
void connect_console(Context& context, Verbosity verbosity, bool log_json);
// One line on standard error, as JSON where that was asked for.
void report_error(const std::string& text, int exit_code, bool log_json);

}  // namespace quantize::cli
