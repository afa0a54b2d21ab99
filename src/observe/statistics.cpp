#include "observe/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/error.h"
#include "observe/scan.h"

namespace quantize {

double Histogram::bin_width() const { return std::ldexp(2.0 / bins, exponent_); }
double Histogram::left_edge(int bin) const { return (bin - zero_bin) * bin_width(); }
std::uint64_t Histogram::total() const { return std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0}); }

void Histogram::cover(float magnitude) {
  if (!(magnitude > 0) || !std::isfinite(magnitude)) return;
  int exponent = 0;
  std::frexp(magnitude, &exponent);  // magnitude < 2^exponent
  if (exponent > exponent_) grow(exponent);
}

void Histogram::grow(int exponent) {
  const int shift = std::min(exponent - exponent_, 30);
  exponent_ = exponent;
  std::vector<std::uint64_t> wider(bins);
  for (int bin = 0; bin < bins; ++bin) {
    if (counts_[bin] != 0)
      wider[((bin - zero_bin) >> shift) + zero_bin] += counts_[bin];  // arithmetic shift: rounds towards -infinity on both sides
  }
  counts_ = std::move(wider);
}

void Histogram::add(std::span<const float> values) {
  const float per_unit = std::ldexp(static_cast<float>(zero_bin), -exponent_);
  // Neighbours often are in the same bin (zero behind a Relu): in one table, each would wait for the one before it.
  std::array<std::vector<std::uint32_t>, 2> counts = {std::vector<std::uint32_t>(bins), std::vector<std::uint32_t>(bins)};
  std::array<std::int32_t, 1024> places;
  for (std::size_t begin = 0; begin < values.size(); begin += places.size()) {
    const auto part = values.subspan(begin, std::min(places.size(), values.size() - begin));
    bin_places(part, per_unit, bins, places);
    for (std::size_t i = 0; i < part.size(); ++i) ++counts[i % 2][static_cast<std::size_t>(places[i])];
  }
  for (std::size_t bin = 0; bin < bins; ++bin) counts_[bin] += std::uint64_t{counts[0][bin]} + counts[1][bin];
}

void Histogram::merge(const Histogram& other) {
  if (other.exponent_ > exponent_) grow(other.exponent_);
  const int shift = std::min(exponent_ - other.exponent_, 30);
  for (int bin = 0; bin < bins; ++bin) counts_[((bin - zero_bin) >> shift) + zero_bin] += other.counts_[bin];
}

void Histogram::confine(float low, float high) {
  const auto bin_of = [&](float value) {
    return static_cast<int>(std::clamp(std::floor(static_cast<double>(value) / bin_width()) + zero_bin, 0.0, bins - 1.0));
  };
  const int first = bin_of(low), last = bin_of(high);
  for (int bin = 0; bin < bins; ++bin) {
    if (const int inside = std::clamp(bin, first, last); inside != bin) counts_[inside] += std::exchange(counts_[bin], 0);
  }
}

Histogram Histogram::restore(int exponent, std::vector<std::uint64_t> counts) {
  if (counts.size() != bins)
    throw Error(ErrorKind::data, "a stored histogram has " + std::to_string(counts.size()) + " bins, not " + std::to_string(bins));
  Histogram histogram;
  histogram.exponent_ = exponent;
  histogram.counts_ = std::move(counts);
  return histogram;
}

void TensorStatistics::merge(const TensorStatistics& other) {
  if (count == 0) channels.resize(other.channels.size());
  if (other.count > 0 && channels.size() != other.channels.size()) channels.clear();
  for (std::size_t c = 0; c < channels.size() && other.count > 0; ++c) {
    channels[c].count += other.channels[c].count;
    channels[c].min = std::min(channels[c].min, other.channels[c].min);
    channels[c].max = std::max(channels[c].max, other.channels[c].max);
  }
  count += other.count;
  nonfinite += other.nonfinite;
  min = std::min(min, other.min);
  max = std::max(max, other.max);
  histogram.merge(other.histogram);
}

void TensorStatistics::confine(float low, float high) {
  if (count == 0) return;
  const auto within = [&](float& least, float& most) {
    least = std::clamp(least, low, high);
    most = std::clamp(most, low, high);
  };
  within(min, max);
  for (auto& channel : channels) {
    if (channel.count > 0) within(channel.min, channel.max);
  }
  histogram.confine(low, high);
}

void merge(Statistics& into, const Statistics& other) {
  for (const auto& [name, statistics] : other) into[name].merge(statistics);
}

}  // namespace quantize
