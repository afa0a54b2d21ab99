// CONVERGENCE: has calibration seen enough? A range that the last tenth of the samples still moves would move with the next ones too.
#pragma once

#include <string>
#include <vector>

#include "base/context.h"
#include "encode/placement.h"
#include "encode/ranges.h"
#include "encode/scheme.h"
#include "observe/calibrate.h"

namespace quantize {

struct UnsettledRange {
  std::string tensor;
  Range before, after;  // without and with the last tenth
  double moved = 0;     // the larger move of the two ends, as a share of the width afterwards
};

// The groups whose range, chosen by the scheme's method, moved by more than 5 % of its width; most first. Empty where calibration did not
// compare.
std::vector<UnsettledRange> unsettled_ranges(const Placement& placement, const Calibration& calibration, const Scheme& scheme);

// One warning that names the three that moved most, with their ranges, and says how many more there are. Returns the list of all of them,
// for the report; empty where there is nothing to warn of.
std::string warn_unsettled(const Placement& placement, const Calibration& calibration, const Scheme& scheme, Context& context);

}  // namespace quantize
