// What to try next, worked out from a report's figures.
#pragma once

#include <string>
#include <vector>

#include "report/report.h"

namespace quantize {

struct Advice {
  std::string reason;   // one or two sentences: which figure speaks for it, and what it costs
  std::string command;  // the run's own command with the change made, ready to be copied into a shell
};

// Most promising first; empty where the figures ask for nothing, or where the run was not started by a command that can be changed.
std::vector<Advice> advise(const Report& report);

}  // namespace quantize
