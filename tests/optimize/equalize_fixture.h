// Networks whose channels lie apart, and what equalization makes of them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "encode/plan_fixture.h"
#include "model/edit.h"
#include "optimize/equalize.h"

namespace quantize::test {

// Channel c of the named weight made base^c times as large, so that there is something to equalize.
inline void spread_channels(Model& model, const std::string& weight, int axis, double base = 2.5) {
  const auto tensor = initializer_of(model, weight);
  const Shape shape = shape_of(tensor);
  auto values = float_values(tensor);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= static_cast<float>(std::pow(base, slice_of(i, shape, axis) % 4));
  put_initializer(model.graph(), make_tensor(weight, shape, values));
}

struct Equalized {
  int channels = 0;
  double worst_before = 0, worst_after = 0;  // smallest ratio of a channel's range to its tensor's, of tensor "r"
  Model after;
};

inline double worst_ratio(const Model& model, const std::string& tensor) {
  const auto statistics = observe_all(model, {tensor});
  const auto& seen = statistics.at(tensor);
  const auto reach = [](const auto& s) { return std::max(std::fabs(s.min), std::fabs(s.max)); };
  double worst = 1;
  for (const auto& channel : seen.channels) worst = std::min<double>(worst, reach(channel) / reach(seen));
  return worst;
}

inline Equalized equalize_model(const Model& model, const std::string& tensor, double strength = 1, double room_below_clips = 1,
                                const Exclusions& exclusions = {}) {
  const auto placement = place(model, find_target("ort-cpu"), exclusions);
  Equalized result{0, worst_ratio(model, tensor), 0, model};
  result.channels = equalize(result.after, observe_all(model, placement.observed()), strength, room_below_clips);
  EXPECT_NO_THROW(check_model(result.after.proto, "equalized"));
  expect_same_function(model.proto, result.after.proto, 1e-4);
  result.worst_after = worst_ratio(result.after, tensor);
  return result;
}

}  // namespace quantize::test
