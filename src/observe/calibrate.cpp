#include "observe/calibrate.h"

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "base/stopwatch.h"
#include "observe/observation.h"

namespace quantize {
namespace {

constexpr std::size_t compared = 2;      // samples that both divisions run
constexpr double clearly_faster = 0.9;   // of the other's time for one sample
constexpr std::size_t worth_a_try = 16;  // samples per thread from which a measurement costs less than it may gain

double seconds_of(const std::function<void()>& work) {
  const Stopwatch watch;
  work();
  return watch.seconds();
}

// Observes samples in whichever division of the threads is faster.
class Calibrator {
 public:
  Calibrator(const Model& model, std::span<const std::string> tensors, const Context& context)
      : model_(model), tensors_(tensors), context_(context) {
    const unsigned samples = context.samples_at_once();
    if (!tensors.empty())
      current_ = std::make_unique<Observation>(model, tensors, Division{samples, std::max(context.threads, 1U) / samples});
  }

  void run(const LoadSample& load, std::size_t begin, std::size_t end) {
    if (current_ == nullptr || begin == end) return;
    const auto progress = context_.step("calibrate", end - begin);
    if (begin == 0 && context_.threads > 1 && context_.workers == 0 && end >= worth_a_try * context_.threads) {
      begin = choose(load, *progress);
    }
    current_->run(load, begin, end, context_, *progress);
  }

  [[nodiscard]] Statistics gathered() const {
    Statistics statistics;
    for (std::size_t slot = 0; slot < tensors_.size(); ++slot) {
      auto seen = current_->gathered(slot);
      if (seen.nonfinite != 0) {
        const std::string where = seen.nonfinite == 1 ? "one sample" : std::to_string(seen.nonfinite) + " samples";
        throw Error(ErrorKind::numeric, "activation '" + tensors_[slot] + "' is NaN or infinite in " + where +
                                            " so far; check the pre-processing and the model");
      }
      statistics[tensors_[slot]] = std::move(seen);
    }
    return statistics;
  }

 private:
  // Several samples at once, which is what it began with, against one with all threads: timed on the first samples. The other is taken
  // where it is clearly faster and has seen exactly the same values; it is not even tried where several at once lose so little against
  // one sample on one thread that perfect division of that one's work would not be clearly faster. Returns the first sample that is still
  // to come.
  std::size_t choose(const LoadSample& load, Progress& progress) {
    current_->run(load, 0, compared, context_, progress);
    std::vector<TensorStatistics> first;
    for (std::size_t slot = 0; slot < tensors_.size(); ++slot) first.push_back(current_->gathered(slot));
    const std::size_t at_once = context_.threads, single = compared + at_once, next = single + 1;
    const double several = seconds_of([&] { current_->run(load, compared, single, context_, progress); }) / static_cast<double>(at_once);
    const double perfect = seconds_of([&] { current_->run(load, single, next, context_, progress); }) / static_cast<double>(at_once);
    if (perfect >= clearly_faster * several) {
      context_.debug("calibrate: " + std::to_string(several) + " s a sample with " + std::to_string(at_once) +
                     " at once, which no division beats");
      return next;
    }

    auto other = std::make_unique<Observation>(model_, tensors_, Division{1, context_.threads});
    const auto unseen = Context().step("", 0);
    other->run(load, 0, 1, context_, *unseen);  // warms up
    const double alone = seconds_of([&] { other->run(load, 1, compared, context_, *unseen); });
    const bool better = alone < clearly_faster * several && other->agrees_with(first);
    context_.debug("calibrate: " + std::to_string(several) + " s a sample with " + std::to_string(at_once) + " at once, " +
                   std::to_string(alone) + " s with all threads on one" + (better ? ": one at a time" : ""));
    if (better) {
      other->forget();
      other->add(*current_);
      current_ = std::move(other);
    }
    return next;
  }

  const Model& model_;
  std::span<const std::string> tensors_;
  const Context& context_;
  std::unique_ptr<Observation> current_;
};

}  // namespace

Statistics calibrate(const Model& model, std::span<const std::string> tensors, const LoadSample& load, std::size_t count,
                     const Context& context) {
  Calibrator calibrator(model, tensors, context);
  calibrator.run(load, 0, count);
  return calibrator.gathered();
}

Calibration calibrate_and_compare(const Model& model, std::span<const std::string> tensors, const LoadSample& load, std::size_t count,
                                  const Context& context, const Seen& seen) {
  std::vector<std::size_t> unseen;
  std::size_t first = 0;  // of those, how many come before the last tenth
  for (std::size_t i = 0; i < count; ++i) {
    if (seen.samples.contains(i)) continue;
    unseen.push_back(i);
    if (i < count - count / 10) first = unseen.size();
  }
  const LoadSample load_unseen = [&](std::size_t i) { return load(unseen[i]); };
  Calibrator calibrator(model, tensors, context);
  const auto known = [&] {
    Statistics all = calibrator.gathered();
    merge(all, seen.statistics);
    return all;
  };
  calibrator.run(load_unseen, 0, first);
  Calibration calibration;
  if (count >= 10) calibration.before_last_tenth = known();
  calibrator.run(load_unseen, first, unseen.size());
  calibration.all = known();
  return calibration;
}

}  // namespace quantize
