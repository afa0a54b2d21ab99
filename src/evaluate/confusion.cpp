#include "evaluate/confusion.h"

#include <algorithm>
#include <numeric>

namespace quantize {

void Confusion::add(const ClassMap& truth, const ClassMap& guess) {
  for (std::size_t i = 0; i < truth.classes.size(); ++i) {
    if (truth.classes[i] < classes_)
      ++counts_[static_cast<std::size_t>(truth.classes[i]) * (classes_ + 1) + std::min<int>(guess.classes[i], classes_)];
  }
}

void Confusion::add(const Confusion& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
}

std::uint64_t Confusion::pixels_of(int truth) const {
  const auto row = counts_.begin() + static_cast<std::ptrdiff_t>(truth) * (classes_ + 1);
  return std::accumulate(row, row + classes_ + 1, std::uint64_t{0});
}

std::optional<double> Confusion::one_class_iou() const {
  std::uint64_t most = 0, all = 0;
  int seen = 0;
  for (int c = 0; c < classes_; ++c) {
    const std::uint64_t pixels = pixels_of(c);
    most = std::max(most, pixels), all += pixels, seen += pixels > 0;
  }
  return seen > 1 ? std::optional(static_cast<double>(most) / static_cast<double>(all) / seen) : std::nullopt;
}

std::optional<double> Confusion::mean_iou() const {
  double sum = 0;
  int seen = 0;
  for (int c = 0; c < classes_; ++c) {
    const std::uint64_t truth = pixels_of(c);
    std::uint64_t guess = 0;
    for (int k = 0; k < classes_; ++k) guess += counts_[static_cast<std::size_t>(k) * (classes_ + 1) + c];
    if (truth == 0) continue;
    const std::uint64_t both = counts_[static_cast<std::size_t>(c) * (classes_ + 1) + c];
    sum += static_cast<double>(both) / static_cast<double>(truth + guess - both);
    ++seen;
  }
  return seen > 0 ? std::optional(sum / seen) : std::nullopt;
}

}  // namespace quantize
