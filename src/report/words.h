// Figures in words: each is said with the same digits in the terminal, on the page (src/report/page/words.js) and in the files for CI.
#pragma once

#include <cstdint>
#include <string>

#include "report/report.h"

namespace quantize {
namespace words {

constexpr double clearly_slower = 0.98;  // of FP32's speed
// Medians of the same model differ by about this much from one measurement to the next.
constexpr double same_speed = 0.02;
constexpr double same_size = 0.005;

// Rounded, never "-0.00"; independent of the locale; "-" for what is not a number, "infinite" for infinity.
std::string fixed(double value, int digits);
// "97.52 %"; rounded down, so that "100.00 %" means every pixel.
std::string percent(double share);
// "0.3990", with as many digits wherever an mIoU or a loss of it is said.
std::string miou(double share);
// "42.40 dB", or "no error" from 999 on, which stands for infinity.
std::string decibels(double value);
// Decimal units, as in the size column of a file manager: "14.2 MB".
std::string bytes(std::uint64_t count);
// "2.42x faster", "1.23x slower", "as fast"; likewise for sizes.
std::string compare_speed(double speedup);
// The same, with a word on what it is where the two medians, said beside it, would contradict it.
std::string compare_speed(const Latency& latency);
std::string compare_size(std::uint64_t before, std::uint64_t after);
// "100.0 -> 40.0 ms", FP32's median and the quantized model's; in thousandths where one is below 1 ms: "0.031 -> 0.042 ms".
std::string times(const Latency& latency, const std::string& between = " -> ");
// Whether the median of the ratios in turn is another than the ratio of the medians, by more than 20 %.
bool ratios_disagree(const Latency& latency);
// A warning where they are; empty where they are not, or nothing was timed.
std::string noisy_machine(const Report& report);
// Of a model that is clearly slower than FP32, whatever the cause of small differences; empty where it is not, or was not timed.
std::string slower_than_fp32(const Report& report);
// Of a latency that was timed and is clearly over the budget that an estimate had kept to; empty where it is not, or was not timed.
std::string over_latency_budget(const Report& report);
// Of a file that is larger than the budget that an estimate had kept to; empty where it is not, or there is no such budget.
std::string over_size_budget(const Report& report);
// Of an FP32 model that is hardly better on the labels than a mask of one class, or below 0.1 mIoU: nothing can be told by such labels.
// Empty where it is better, or there are none.
std::string fp32_fails_on_labels(const Accuracy& accuracy);
// "PSNR 31.25 dB" of the worst picture; "96.00 % of the pixels as FP32" where the outputs are classes.
std::string worst_picture(const Accuracy& accuracy);
// "w8a8 for ort-cpu, made in 93.0 s"; "w8a8, evaluated on 24 pictures in 1.5 s".
std::string how_made(const Report& report);
// "39 integer, 3 float, 6 conversions".
std::string kernels(const Kernels& kernels);
// With a "?" for each control character: names come from other people's models, and must not steer a terminal.
std::string printable(std::string text);
// "1 run", "3 runs".
std::string count(std::size_t number, const std::string& what);

}  // namespace words

}  // namespace quantize
