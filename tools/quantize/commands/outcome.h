// How a command that makes reports ends.
#pragma once

#include "arguments.h"
#include "base/error.h"
#include "pipeline/stages.h"

namespace quantize::cli {

inline constexpr int missed_gate = static_cast<int>(ErrorKind::missed);

// Says on standard output what came out and where everything is, on standard error which gates were missed; returns the exit code.
int report_outcome(const Outcome& outcome, const Arguments& arguments);

}  // namespace quantize::cli
