// The whole job: `quantize MODEL --calib DIR --scheme S` as one call. Only calls the stations in order; no logic of its own.
#pragma once

#include <string>

#include "base/context.h"
#include "pipeline/options.h"
#include "pipeline/stages.h"

namespace quantize {

// Writes <output>, <output stem>.report.json and .report.html (.xml and .md where gates or options ask for them), all or none. Throws
// Error.
Outcome quantize_model(const Options& options, Context& context);

// What would be quantized and how, with the size that would result; writes nothing. The text is for a terminal.
std::string dry_run(Options options, Context& context);

}  // namespace quantize
