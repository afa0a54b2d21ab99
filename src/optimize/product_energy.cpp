#include "optimize/product_energy.h"

#include <algorithm>

namespace quantize {

ProductEnergy::ProductEnergy(const ColumnView& view, std::span<const float> weights) {
  matrices_.reserve(view.groups());
  for (std::size_t group = 0; group < view.groups(); ++group) matrices_.push_back(view.weights(weights, group));
}

double ProductEnergy::operator()(std::span<const float> columns, std::size_t count, bool centered) const {
  double sum = 0;
  const std::size_t length = matrices_[0].cols, stride = matrices_.size() * length;
  std::vector<float> part(count * length);
  for (std::size_t group = 0; group < matrices_.size(); ++group) {
    for (std::size_t n = 0; n < count; ++n) std::ranges::copy(columns.subspan(n * stride + group * length, length), &part[n * length]);
    Matrix response(matrices_[group].rows, count);
    linalg().respond(matrices_[group], part, count, response);
    for (std::size_t r = 0; r < response.rows; ++r) {
      double mean = 0, square = 0;
      for (const double value : response.row(r)) {
        mean += value;
        square += value * value;
      }
      sum += square - (centered ? mean * mean / static_cast<double>(count) : 0);
    }
  }
  return sum;
}

std::size_t ProductEnergy::kept_bytes(const ColumnView& view) { return view.groups() * view.rows() * view.length() * sizeof(double); }

// One group's columns, its matrix as respond() multiplies it, and the responses, in single precision too.
std::size_t ProductEnergy::call_bytes(const ColumnView& view, std::size_t count) {
  const std::size_t responses = view.rows() * count * (sizeof(float) + sizeof(double));
  return (count + view.rows()) * view.length() * sizeof(float) + responses;
}

}  // namespace quantize
