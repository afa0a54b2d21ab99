#include "commands/outcome.h"

#include <cstdio>

#include "console.h"
#include "report/gates.h"
#include "report/write_report.h"

namespace quantize::cli {

int report_outcome(const Outcome& outcome, const Arguments& arguments) {
  if (arguments.verbosity != Verbosity::quiet) {
    std::string where = outcome.model.string();
    for (const auto& file : {outcome.json, outcome.html, outcome.junit, outcome.markdown}) {
      if (!file.empty()) where += (where.empty() ? "" : ", ") + (where.empty() ? file : file.filename()).string();
    }
    std::fputs(write_text(outcome.report).c_str(), stdout);
    std::printf("wrote %s\n", where.c_str());
    std::fflush(stdout);
  }
  const auto& mixed = outcome.report.mixed;
  int code = mixed && !mixed->reached ? missed_gate : 0;
  for (const auto& gate : outcome.report.gates) {
    if (gate.passed) continue;
    code = missed_gate;
    report_error("gate missed: " + describe(gate), code, arguments.log_json);
  }
  return code;
}

}  // namespace quantize::cli
