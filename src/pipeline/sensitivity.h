// `quantize sensitivity`: the table alone, without making a model.
#pragma once

#include "base/context.h"
#include "pipeline/options.h"
#include "report/sensitivity_table.h"

namespace quantize {

struct SensitivityOutcome {
  SensitivityTable table;
  std::filesystem::path json, html;
};

// Plans, calibrates and fits as the options say, then measures every weight and activation alone. Writes <output> (a .json) and a page of
// the same name beside it, both or neither. Throws Error.
SensitivityOutcome measure_sensitivity(const Options& options, Context& context);

}  // namespace quantize
