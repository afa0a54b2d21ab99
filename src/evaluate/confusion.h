// Which classes are taken for which: what mIoU is made from.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "evaluate/metrics.h"

namespace quantize {

class Confusion {
 public:
  explicit Confusion(int classes) : classes_(classes), counts_(static_cast<std::size_t>(classes) * (classes + 1)) {}
  // Pixels whose truth is not below the number of classes (void, 255) are ignored; where only the guess is not, the pixel is missed.
  void add(const ClassMap& truth, const ClassMap& guess);
  void add(const Confusion& other);
  [[nodiscard]] std::optional<double> mean_iou() const;  // none where no pixel counts
  // What guessing the commonest class everywhere would reach; none where the truth has less than two classes.
  [[nodiscard]] std::optional<double> one_class_iou() const;

 private:
  [[nodiscard]] std::uint64_t pixels_of(int truth) const;

  int classes_;
  std::vector<std::uint64_t> counts_;  // truth * (classes + 1) + guess, or + classes for none of them
};

}  // namespace quantize
