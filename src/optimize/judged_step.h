// The line of the report on a step that was judged.
#pragma once

#include <chrono>
#include <string>

#include "optimize/judge.h"

namespace quantize {

inline double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// What a step did, and how far it moved the judged error; "not kept" where the plan stays what it was.
inline Step judged_step(const std::string& name, const std::string& what, const Verdict& before, const Verdict& after, bool kept,
                        std::chrono::steady_clock::time_point start) {
  return {name, what + "; " + gain(before, after) + (kept ? "" : "; not kept"), seconds_since(start), before.sqnr_db, after.sqnr_db};
}

}  // namespace quantize
