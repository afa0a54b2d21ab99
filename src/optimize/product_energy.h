// How much a weighted operator makes of the columns it reads: by that an error in them is measured behind it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "optimize/columns.h"

namespace quantize {

class ProductEnergy {
 public:
  // `weights`: the operator's tensor. Both are needed no longer than this.
  ProductEnergy(const ColumnView& view, std::span<const float> weights);

  // sum |W x|^2 over the rows of W and `count` columns; less the rows' means where centered. May be asked from several threads.
  [[nodiscard]] double operator()(std::span<const float> columns, std::size_t count, bool centered) const;

  // Of an operator, in bytes: what one of these keeps, and what each call takes for itself.
  static std::size_t kept_bytes(const ColumnView& view);
  static std::size_t call_bytes(const ColumnView& view, std::size_t count);

 private:
  std::vector<Matrix> matrices_;  // by group
};

}  // namespace quantize
