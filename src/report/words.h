// Figures in words, and what they mean for shipping: said the same way in the terminal and on the page.
#pragma once

#include <cstdint>
#include <string>

#include "report/report.h"

namespace quantize {
namespace words {

constexpr double clearly_slower = 0.98;  // of FP32's speed

// Independent of the locale; "-" for what is not a number, "infinite" for infinity.
std::string fixed(double value, int digits);
// "97.52 %"; rounded down, so that "100.00 %" means every pixel.
std::string percent(double share);
// "42.40 dB", or "no error" from 999 on, which stands for infinity.
std::string decibels(double value);
// Decimal units, as in the size column of a file manager: "14.2 MB".
std::string bytes(std::uint64_t count);
// "2.42x faster", "1.23x slower", "as fast"; likewise for sizes.
std::string compare_speed(double speedup);
std::string compare_size(std::uint64_t before, std::uint64_t after);
// "100.0 -> 40.0 ms", FP32's median and the quantized model's; in thousandths where one is below 1 ms: "0.031 -> 0.042 ms".
std::string times(const Latency& latency, const std::string& between = " -> ");
// Of a model that is clearly slower than FP32, whatever the cause of small differences; empty where it is not, or was not timed.
std::string slower_than_fp32(const Report& report);
// Of a latency that was timed and is clearly over the budget that an estimate had kept to; empty where it is not, or was not timed.
std::string over_latency_budget(const Report& report);
// Of a file that is larger than the budget that an estimate had kept to; empty where it is not, or there is no such budget.
std::string over_size_budget(const Report& report);
// "39 integer, 3 float, 6 conversions".
std::string kernels(const Kernels& kernels);
// With a "?" for each control character: names come from other people's models, and must not steer a terminal.
std::string printable(std::string text);
// "1 run", "3 runs".
std::string count(std::size_t number, const std::string& what);

}  // namespace words

struct Verdict {
  enum class Level { good, look, poor } level = Level::look;
  std::string headline;  // "Ready to ship"
  std::string reason;    // one sentence
};

// From class agreement with FP32 and, where there are labels, the mIoU lost: good from 97 % and at most 0.01 lost, poor below 90 % or over
// 0.03 lost. A rule of thumb for a first look, and the report says which figure decided.
Verdict::Level level_by_figures(const Report& report);
// The same, but no better than a look where the figures are of made-up data, or of a part of the images.
Verdict judge_accuracy(const Report& report);
// The same, but poor where a gate is missed, or what --reach asks for: what the user demands goes before a rule of thumb.
Verdict judge(const Report& report);
// "good", "look", "poor".
std::string level_name(Verdict::Level level);

}  // namespace quantize
