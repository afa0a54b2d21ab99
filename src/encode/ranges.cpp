#include "encode/ranges.h"

#include <algorithm>
#include <cmath>

namespace quantize {
namespace {

// Prefix sums over a histogram: moments of the values below an edge in constant time.
class Moments {
 public:
  explicit Moments(const Histogram& histogram) : histogram_(histogram), sums_(Histogram::bins + 1) {
    const double width = histogram.bin_width();
    for (int bin = 0; bin < Histogram::bins; ++bin) {
      const auto count = static_cast<double>(histogram.counts()[bin]);
      const double center = histogram.left_edge(bin) + width / 2;
      sums_[bin + 1] = {sums_[bin].n + count, sums_[bin].x + count * center, sums_[bin].xx + count * center * center};
    }
  }

  [[nodiscard]] double total() const { return sums_.back().n; }
  [[nodiscard]] double below(double edge) const { return at(edge).n; }

  // Sum of (x - edge)^2 over the values on one side of the edge.
  [[nodiscard]] double clipped_below(double edge) const { return about(at(edge), edge); }
  [[nodiscard]] double clipped_above(double edge) const {
    const Sums under = at(edge), &all = sums_.back();
    return about({all.n - under.n, all.x - under.x, all.xx - under.xx}, edge);
  }

 private:
  struct Sums {
    double n = 0, x = 0, xx = 0;
  };
  static double about(const Sums& sums, double edge) { return std::max(0.0, sums.xx - 2 * edge * sums.x + edge * edge * sums.n); }

  [[nodiscard]] Sums at(double edge) const {
    const double place = std::clamp(edge / histogram_.bin_width() + Histogram::zero_bin, 0.0, static_cast<double>(Histogram::bins));
    const int bin = std::min(static_cast<int>(place), Histogram::bins - 1);
    const double part = place - bin;
    const Sums &a = sums_[bin], &b = sums_[bin + 1];
    return {a.n + part * (b.n - a.n), a.x + part * (b.x - a.x), a.xx + part * (b.xx - a.xx)};
  }

  const Histogram& histogram_;
  std::vector<Sums> sums_;
};

double error_of(const Moments& moments, const Range& range, int levels, const ErrorWeights& weights) {
  const double step = (range.high - range.low) / (levels - 1);
  const double below_zero = moments.below(0);
  const double inside = weights.negative * (below_zero - moments.below(range.low)) + moments.below(range.high) - below_zero;
  const double clipped =
      (range.low < 0 ? weights.negative * moments.clipped_below(range.low) : 0) + (range.high > 0 ? moments.clipped_above(range.high) : 0);
  return weights.cut * clipped + inside * step * step / 12;
}

// Minimises f over [from, to] on a grid that is refined around the best point: robust where f has several local minima.
template <typename Function>
double minimise(double from, double to, const Function& f) {
  double best = to, best_value = f(to);
  for (int round = 0; round < 3; ++round) {
    const int steps = 64;
    const double width = (to - from) / steps;
    for (int i = 0; i <= steps; ++i) {
      const double candidate = from + i * width, value = f(candidate);
      if (value < best_value) {
        best = candidate;
        best_value = value;
      }
    }
    const double least = std::min(from, to), most = std::max(from, to);  // `from` is the upper end where the interval is negative
    from = std::clamp(best - width, least, most);
    to = std::clamp(best + width, least, most);
  }
  return best;
}

// Divergence of the histogram part [0, kept) from its own quantization to `levels` bins; what lies beyond is added to the last bin, as
// clipping does.
double divergence(const std::vector<double>& counts, std::size_t kept, int levels) {
  std::vector<double> reference(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(kept));
  const std::vector<double> inside = reference;
  for (std::size_t i = kept; i < counts.size(); ++i) reference[kept - 1] += counts[i];
  double total = 0, result = 0;
  for (const double count : reference) total += count;
  for (int level = 0; level < levels; ++level) {
    const std::size_t begin = kept * level / levels, end = kept * (level + 1) / levels;
    double sum = 0;
    int filled = 0;
    for (std::size_t i = begin; i < end; ++i) {
      sum += inside[i];
      filled += inside[i] > 0;
    }
    for (std::size_t i = begin; i < end; ++i) {
      if (reference[i] <= 0) continue;
      const double quantized = filled > 0 ? sum / filled : 0;
      const double p = reference[i] / total, q = std::max(quantized / total, 1e-12);
      result += p * std::log(p / q);
    }
  }
  return result;
}

// The kept part of one side of the histogram, `counts` ordered outwards from zero.
double entropy_edge(const std::vector<double>& counts, double width, int levels) {
  std::size_t used = counts.size();
  while (used > 0 && counts[used - 1] == 0) --used;
  if (used <= static_cast<std::size_t>(levels))
    return static_cast<double>(used) * width;  // fewer bins than levels: nothing to gain by clipping
  std::size_t best = used;
  double least = divergence(counts, used, levels);
  for (std::size_t kept = levels; kept < used; kept += std::max<std::size_t>(1, used / 256)) {
    const double value = divergence(counts, kept, levels);
    if (value < least) {
      least = value;
      best = kept;
    }
  }
  return static_cast<double>(best) * width;
}

}  // namespace

Range minmax_range(const TensorStatistics& statistics) {
  if (statistics.count == 0) return {};
  return {std::min(0.0, static_cast<double>(statistics.min)), std::max(0.0, static_cast<double>(statistics.max))};
}

Range percentile_range(const TensorStatistics& statistics, double percent) {
  const auto counts = statistics.histogram.counts();
  const double tail = static_cast<double>(statistics.histogram.total()) * (100 - percent) / 200;
  const Range seen = minmax_range(statistics);
  Range range = seen;
  double passed = 0;
  for (int bin = 0; bin < Histogram::bins; ++bin) {
    passed += static_cast<double>(counts[bin]);
    if (passed > tail) {
      range.low = statistics.histogram.left_edge(bin);
      break;
    }
  }
  passed = 0;
  for (int bin = Histogram::bins - 1; bin >= 0; --bin) {
    passed += static_cast<double>(counts[bin]);
    if (passed > tail) {
      range.high = statistics.histogram.left_edge(bin + 1);
      break;
    }
  }
  return {std::clamp(range.low, seen.low, 0.0), std::clamp(range.high, 0.0, seen.high)};
}

double expected_error(const TensorStatistics& statistics, const Range& range, int levels, const ErrorWeights& weights) {
  const Moments moments(statistics.histogram);
  return moments.total() > 0 ? error_of(moments, range, levels, weights) / moments.total() : 0;
}

Range mse_range(const TensorStatistics& statistics, int levels, const ErrorWeights& weights) {
  const Moments moments(statistics.histogram);
  Range range = minmax_range(statistics);
  // The two ends interact only through the step; a few turns of one after the other settle them.
  for (int turn = 0; turn < 3; ++turn) {
    if (range.high > 0)
      range.high = minimise(0.02 * range.high, turn == 0 ? range.high : minmax_range(statistics).high, [&](double high) {
        return error_of(moments, {range.low, high}, levels, weights);
      });
    if (range.low < 0)
      range.low = minimise(0.02 * range.low, turn == 0 ? range.low : minmax_range(statistics).low, [&](double low) {
        return error_of(moments, {low, range.high}, levels, weights);
      });
  }
  return range;
}

Range entropy_range(const TensorStatistics& statistics, int levels) {
  const auto counts = statistics.histogram.counts();
  const Range seen = minmax_range(statistics);
  constexpr int half = Histogram::zero_bin;
  std::vector<double> above(half), below(half);
  for (int i = 0; i < half; ++i) {
    above[i] = static_cast<double>(counts[half + i]);
    below[i] = static_cast<double>(counts[half - 1 - i]);
  }
  // The spike at zero that a Relu leaves is represented exactly whatever the range; counted, it would outvote every tail.
  above[0] = above[1];
  below[0] = below[1];
  // Levels are shared between the sides in proportion to their extent.
  const double share = seen.high - seen.low > 0 ? seen.high / (seen.high - seen.low) : 1;
  const int positive = std::max(1, static_cast<int>(levels * share)), negative = std::max(1, levels - positive);
  const double width = statistics.histogram.bin_width();
  return {std::max(seen.low, seen.low < 0 ? -entropy_edge(below, width, negative) : 0.0),
          std::min(seen.high, entropy_edge(above, width, positive))};
}

Range roomy_range(const TensorStatistics& statistics) {
  const Range seen = minmax_range(statistics);
  return {1.25 * seen.low, 1.25 * seen.high};
}

bool has_room(const Scheme& scheme) { return scheme.method == RangeMethod::automatic && scheme.activation_bits > 8; }

Range choose_range(const TensorStatistics& statistics, const Scheme& scheme, double negative) {
  const int levels = 1 << scheme.activation_bits;
  switch (scheme.method) {
    case RangeMethod::automatic:
      return has_room(scheme) ? roomy_range(statistics) : mse_range(statistics, levels, {clipping_weight, negative});
    case RangeMethod::percentile:
      return percentile_range(statistics, scheme.percentile);
    case RangeMethod::mse:
      return mse_range(statistics, levels);
    case RangeMethod::entropy:
      return entropy_range(statistics, levels);
    case RangeMethod::minmax:
      break;
  }
  return minmax_range(statistics);
}

}  // namespace quantize
