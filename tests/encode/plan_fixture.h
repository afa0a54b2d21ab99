// A text graph with everything the stations after it need: placement, statistics of a few random inputs, encodings.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "encode/encodings.h"
#include "observe/calibrate.h"
#include "support/run_model.h"
#include "support/text_model.h"

namespace quantize::test {

// A residual block, and a last convolution behind it.
constexpr const char* residual_graph =
    R"(g (float[1,8,8,8] x) => (float[1,8,8,8] y) <float[8,8,3,3] w, float[8] p, float[8,8,3,3] v, float[8] q, float[8,8,1,1] u> {
  a = Conv <pads = [1,1,1,1]> (x, w, p)
  b = Relu (a)
  c = Conv <pads = [1,1,1,1]> (b, v, q)
  d = Add (c, b)
  e = Relu (d)
  y = Conv (e, u)
})";

// The skip of a PRelu block: where PRelu has no integer kernel nothing on it runs on integers, so that nothing of it is rounded.
constexpr const char* prelu_block = R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y)
  <float[4,4,1,1] w, float[4,4,1,1] v, float[4,4,1,1] u, float[4,1,1] s> {
  a = Conv (x, w)
  b = PRelu (a, s)
  c = Conv (b, v)
  d = Add (b, c)
  e = PRelu (d, s)
  y = Conv (e, u)
})";

struct PlannedGraph {
  Model prepared;
  Placement placement;
  Statistics statistics;
  Encodings encodings;
};

inline LoadSample random_samples(const Model& model) {
  return [proto = model.proto](std::size_t i) { return random_inputs(proto, static_cast<std::uint32_t>(i + 1)); };
}

inline Statistics observe_all(const Model& model, const std::vector<std::string>& tensors, std::size_t samples = 4) {
  return calibrate(model, tensors, random_samples(model), samples, Context());
}

inline TensorStatistics statistics_of(std::span<const float> values) {
  TensorStatistics statistics;
  statistics.count = values.size();
  for (const float value : values) {
    statistics.min = std::min(statistics.min, value);
    statistics.max = std::max(statistics.max, value);
  }
  statistics.histogram.cover(std::max(-statistics.min, statistics.max));
  statistics.histogram.add(values);
  return statistics;
}

// The group whose first member is `name`; null where that is not quantized.
inline const TensorGroup* group_of(const Placement& placement, const std::string& name) {
  const auto found = std::ranges::find_if(placement.groups, [&](const auto& group) { return group.members[0] == name; });
  return found != placement.groups.end() ? &*found : nullptr;
}

inline PlannedGraph plan_graph(const Model& model, const Scheme& scheme, const Target& target = find_target("ort-cpu"),
                               const Exclusions& exclusions = {}) {
  PlannedGraph plan{model, place(model, target, exclusions), {}, {}};
  plan.statistics = observe_all(model, plan.placement.observed());
  Context context;
  plan.encodings = encode(model, plan.placement, plan.statistics, scheme, context);
  return plan;
}

inline Scheme scheme_named(const std::string& name, RangeMethod method = RangeMethod::minmax) {
  Scheme scheme = Scheme::named(name);
  scheme.method = method;
  return scheme;
}

// 4 and 16 bits need opset 21.
inline Model text_model_for(const Scheme& scheme, std::string_view text) {
  return scheme.lowest_opset() > 17 ? text_model(text, 21, 10) : text_model(text);
}

}  // namespace quantize::test
