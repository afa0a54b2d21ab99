// STATISTICS: what calibration knows of each observed tensor. Plain values, mergeable in any order to the same bytes.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace quantize {

// Counts over [-2^exponent, 2^exponent), in `bins` equal bins, zero on an edge. The range only grows, by doubling: two bins then become
// one, so the counts stay exact and two histograms merge to the same result whatever the order.
class Histogram {
 public:
  static constexpr int bins = 4096;
  static constexpr int zero_bin = bins / 2;  // begins at zero

  [[nodiscard]] int exponent() const { return exponent_; }
  [[nodiscard]] std::span<const std::uint64_t> counts() const { return counts_; }
  [[nodiscard]] double bin_width() const;
  [[nodiscard]] double left_edge(int bin) const;
  [[nodiscard]] std::uint64_t total() const;

  // Makes room for |values| up to `magnitude`.
  void cover(float magnitude);
  // Values outside the covered range are counted in the end bins: cover() first.
  void add(std::span<const float> values);
  void merge(const Histogram& other);
  // What lies outside counts as at the ends.
  void confine(float low, float high);

  static Histogram restore(int exponent, std::vector<std::uint64_t> counts);

 private:
  void grow(int exponent);
  int exponent_ = -100;  // finer is never needed, and 2^-exponent stays a float
  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(bins);
};

struct ChannelStatistics {
  std::uint64_t count = 0;
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
};

struct TensorStatistics {
  std::uint64_t count = 0;      // values seen
  std::uint64_t nonfinite = 0;  // runs in which the tensor held a NaN or an infinity
  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  Histogram histogram;                      // of a fixed subsample where the tensor is large
  std::vector<ChannelStatistics> channels;  // along axis 1; empty where the tensor has none or their number varies

  void merge(const TensorStatistics& other);
  // As if the values outside [low, high] had been at its ends.
  void confine(float low, float high);
};

using Statistics = std::map<std::string, TensorStatistics>;

void merge(Statistics& into, const Statistics& other);

}  // namespace quantize
