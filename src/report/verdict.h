// What the figures mean for shipping. The rules, which data/docs/report.md states too, are of thumb; the reason says which figure decided.
#pragma once

#include <string>

#include "report/report.h"

namespace quantize {

struct Verdict {
  enum class Level { good, look, poor } level = Level::look;
  std::string headline;  // "Ready to ship"
  std::string reason;    // a sentence or a few
};

// From class agreement with FP32 and, where there are labels, the mIoU lost: good from 97 % and at most 0.01 lost, poor below 90 % or over
// 0.03 lost. No better than a look where the worst picture is below 30 dB (where the outputs are classes: below 90 % of its pixels).
Verdict::Level level_by_figures(const Report& report);
// The same, but no better than a look where the figures are of made-up data or of a part of the images, or where FP32 itself fails on the
// labels.
Verdict judge_accuracy(const Report& report);
// The same, but no better than a look for an int8 model that a CPU gains neither size nor speed by, and poor where a gate is missed, or
// what the option --reach asks for: what the user demands goes before a rule of thumb.
Verdict judge(const Report& report);
// "good", "look", "poor".
std::string level_name(Verdict::Level level);

}  // namespace quantize
