#include "mixed/search.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace quantize {
namespace {

constexpr double least_cost = 1e-3;
constexpr int most_taken_back = 24;  // tries; each runs the network on all samples

void apply(Assignment& assignment, const Promotion& promotion) {
  const Unit& unit = promotion.unit;
  auto& bits = unit.kind == Unit::Kind::weights ? assignment.weights : assignment.activations;
  bits[unit.name] = promotion.to;
  for (const auto& node : unit.others) bits[node] = promotion.to;
}

Assignment assignment_of(std::span<const Promotion> promotions) {
  Assignment assignment;
  for (const auto& promotion : promotions) apply(assignment, promotion);
  return assignment;
}

// Raises of one stage, best first.
class Stage {
 public:
  Stage(std::vector<Promotion> open, RunningCost& cost, const std::map<std::string, double>& budget)
      : open_(std::move(open)), cost_(cost), budget_(budget), added_(open_.size()), taken_(open_.size()) {
    for (std::size_t i = 0; i < open_.size(); ++i) {
      weigh(i);
      for (const std::size_t layer : cost_.touched_by(open_[i].unit)) by_layer_[layer].push_back(i);
    }
  }

  void append_to(std::vector<Promotion>& ranked) {
    for (auto best = next(); best < open_.size(); best = next()) {
      const Cost before = cost_.now();
      cost_.raise(open_[best].unit, open_[best].to);
      const Cost& after = cost_.now();
      open_[best].cost = std::max(least_cost, after.size - before.size + after.latency - before.latency);
      taken_[best] = 1;
      for (const std::size_t layer : cost_.touched_by(open_[best].unit)) {
        for (const std::size_t i : by_layer_[layer]) {
          if (taken_[i] == 0) weigh(i);
        }
      }
      ranked.push_back(open_[best]);
    }
  }

 private:
  // Only a raise in the same layer changes what another one adds.
  void weigh(std::size_t i) {
    added_[i] = cost_.added_by(open_[i].unit, open_[i].to);
    open_[i].cost = std::max(least_cost, added_[i].size + added_[i].latency);
  }

  // The one that takes away most noise for its cost, of those within the budget; their number where there is none.
  [[nodiscard]] std::size_t next() const {
    std::size_t best = open_.size();
    for (std::size_t i = 0; i < open_.size(); ++i) {
      if (taken_[i] != 0 || !fits(i)) continue;
      if (best < open_.size() && !(open_[i].noise / open_[i].cost > open_[best].noise / open_[best].cost)) continue;
      best = i;
    }
    return best;
  }

  // A sum of differences is off by a rounding: at the budget's very edge, where a share of 1 may be, the whole sum tells.
  [[nodiscard]] bool fits(std::size_t i) const {
    constexpr double edge = 1e-9;
    Cost after{cost_.now().size + added_[i].size, cost_.now().latency + added_[i].latency};
    const bool at_edge =
        std::ranges::any_of(budget_, [&](const auto& limit) { return std::abs(figure(after, limit.first) - limit.second) < edge; });
    if (at_edge) after = cost_.with(open_[i].unit, open_[i].to);
    return std::ranges::all_of(budget_, [&](const auto& limit) { return figure(after, limit.first) <= limit.second; });
  }

  std::vector<Promotion> open_;
  RunningCost& cost_;
  const std::map<std::string, double>& budget_;
  std::vector<Cost> added_;  // by each
  std::vector<char> taken_;
  std::map<std::size_t, std::vector<std::size_t>> by_layer_;
};

// How far below the target, as the sum of the missing fractions.
double shortfall(const std::map<std::string, double>& reach, const Accuracy& accuracy) {
  double sum = 0;
  for (const auto& [name, least] : reach) {
    const double missing = (least - figure(accuracy, name) + margin(accuracy, name)) / least;
    if (std::isnan(missing)) return std::numeric_limits<double>::max();  // an output holds NaN: nothing is farther off
    sum += std::max(0.0, missing);
  }
  return sum;
}

class Searcher {
 public:
  Searcher(const std::vector<Promotion>& ranked, const std::map<std::string, double>& reach,
           const std::function<Trial(const Assignment&)>& judge, const Context& context)
      : ranked_(ranked), reach_(reach), judge_(judge), context_(context) {}

  SearchResult run() {
    if (!reaches(std::span(ranked_).first(0)) && !bisect()) return std::move(best_);
    take_back();
    return std::move(best_);
  }

 private:
  // Runs an assignment; keeps it as the best where it is nearer to the target than those before, or reaches it with fewer raises, and
  // leaves something quantized.
  bool reaches(std::span<const Promotion> promotions) {
    context_.check_stop();
    const Assignment assignment = assignment_of(promotions);
    const Trial trial = judge_(assignment);
    const double missing = shortfall(reach_, trial.accuracy);
    const bool nearer = missing < missing_ || (missing == missing_ && promotions.size() < best_.kept.size());
    const int tried = best_.tried + 1;
    if (trial.quantizes && nearer) {
      best_ = {assignment, {promotions.begin(), promotions.end()}, trial.accuracy, missing == 0, tried};
      missing_ = missing;
    }
    best_.tried = tried;
    if (missing == 0) reaching_ = {promotions.begin(), promotions.end()};
    return missing == 0;
  }

  // The smallest number of raises, in order, that reaches the target; false where all of them do not. Floats are tried only then.
  bool bisect() {
    const auto first_float = std::find_if(ranked_.begin(), ranked_.end(), [](const auto& p) { return p.to == float_bits; });
    std::size_t low = 0, high = static_cast<std::size_t>(first_float - ranked_.begin());
    if (high == 0 || !reaches(std::span(ranked_).first(high))) {
      low = high;
      high = ranked_.size();
      if (low == high || !reaches(std::span(ranked_))) return false;
    }
    while (high - low > 1) {
      const std::size_t middle = low + (high - low) / 2;
      (reaches(std::span(ranked_).first(middle)) ? high : low) = middle;
    }
    return true;
  }

  // Each raise that reaches the target with others, the least useful for its cost first, is tried to be done without.
  void take_back() {
    const auto all = reaching_;
    std::vector<std::size_t> order(all.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    const auto worth = [&](std::size_t i) { return all[i].noise / all[i].cost; };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return worth(a) < worth(b); });
    std::vector<char> dropped(all.size());
    for (std::size_t i = 0; i < order.size() && i < most_taken_back; ++i) {
      dropped[order[i]] = 1;
      std::vector<Promotion> fewer;
      for (std::size_t k = 0; k < all.size(); ++k) {
        if (dropped[k] == 0) fewer.push_back(all[k]);
      }
      if (!reaches(fewer)) dropped[order[i]] = 0;
    }
  }

  const std::vector<Promotion>& ranked_;
  const std::map<std::string, double>& reach_;
  const std::function<Trial(const Assignment&)>& judge_;
  const Context& context_;
  SearchResult best_;
  std::vector<Promotion> reaching_;  // the target, as the last assignment that did
  double missing_ = std::numeric_limits<double>::infinity();
};

}  // namespace

std::vector<Promotion> rank_promotions(const std::vector<Sensitivity>& sensitivities, const CostModel& costs,
                                       const std::map<std::string, double>& budget) {
  std::vector<Promotion> wider, floats, ranked;
  for (const auto& row : sensitivities) {
    const bool weights = row.unit.kind == Unit::Kind::weights;
    if (weights ? row.unit.bits == 4 : row.unit.bits == 8) wider.push_back({row.unit, weights ? 8 : 16, row.noise, 0});
    // What 8 bits leave of the noise of 4: steps 16 times smaller.
    if (weights) floats.push_back({row.unit, float_bits, row.unit.bits == 4 ? row.noise / 256 : row.noise, 0});
  }
  RunningCost cost(costs);
  Stage(std::move(wider), cost, budget).append_to(ranked);
  Stage(std::move(floats), cost, budget).append_to(ranked);
  return ranked;
}

SearchResult search_assignment(const std::vector<Promotion>& ranked, const std::map<std::string, double>& reach,
                               const std::function<Trial(const Assignment&)>& judge, const Context& context) {
  return Searcher(ranked, reach, judge, context).run();
}

}  // namespace quantize
