// What a mixed-precision model has to reach, in figures of its comparison with FP32, and what it may cost.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "report/report.h"

namespace quantize {

// Estimates, as fractions of the FP32 model's.
struct Cost {
  double size = 0;     // bytes of the file
  double latency = 0;  // time of the weighted operators
};

struct Goals {
  std::map<std::string, double> reach;   // at least: psnr, worst-psnr, sqnr (decibel), agreement, miou (shares)
  std::map<std::string, double> budget;  // at most: size, latency

  [[nodiscard]] bool empty() const { return reach.empty(); }
};

// "psnr=40,agreement=0.995" -> figures and thresholds. Throws Error{usage} naming the option for an unknown figure (with the nearest known
// one), a missing or impossible value.
std::map<std::string, double> parse_reach(const std::string& text);
std::map<std::string, double> parse_budget(const std::string& text);

double figure(const Accuracy& accuracy, const std::string& name);
// What a figure measured on few images may be too high by on others.
double margin(const Accuracy& accuracy, const std::string& name);
double figure(const Cost& cost, const std::string& name);

// In words, what is missed, the margin taken off: "psnr 38.2 (less 0.5 for pictures not seen) instead of at least 40"; empty where
// everything is met.
std::vector<std::string> missed(const std::map<std::string, double>& reach, const Accuracy& accuracy);
std::vector<std::string> missed(const std::map<std::string, double>& budget, const Cost& cost);

}  // namespace quantize
