// What the user sees: while the library works, messages through spdlog and one progress line; results on standard output.
#pragma once

#include "arguments.h"
#include "base/context.h"

namespace quantize::cli {

// Sets context.log and context.progress.
void connect_console(Context& context, Verbosity verbosity, bool log_json);
// "  about 12 s left" for a step that did `done` of `total` equal units in `seconds`; empty where nothing can be said yet.
std::string time_left(double seconds, std::size_t done, std::size_t total);
// Text of several lines on standard output. Other control characters become "?": names come from other people's models.
void print(const std::string& text);
// One line on standard error, as JSON where that was asked for.
void report_error(const std::string& text, int exit_code, bool log_json);

}  // namespace quantize::cli
