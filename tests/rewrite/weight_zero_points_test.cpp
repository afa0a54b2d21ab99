// 4-bit weights with zero points: what is written is what was planned.
#include <gtest/gtest.h>

#include <cmath>

#include "encode/plan_fixture.h"
#include "model/edit.h"
#include "rewrite/rewrite.h"

namespace quantize::test {
namespace {

// The integers in the file, less their zero points, are what ONNX Runtime computes with.
TEST(Rewrite, FourBitWeightsHaveZeroPointsWhereTheTargetTakesThem) {
  const Scheme scheme = scheme_named("w4a16");
  const Model model = text_model_for(scheme, R"(g (float[1,3,6,6] x) => (float[1,3,6,6] y) <float[3,1,3,3] w, float[3,3,1,1] v> {
    a = Conv <group = 3, pads = [1,1,1,1]> (x, w)
    y = Conv (a, v)
  })");
  Model one_sided = model;
  auto values = float_values(*find_initializer(one_sided.graph(), "w"));
  for (auto& value : values) value = std::fabs(value) + 0.1F;
  put_initializer(one_sided.graph(), make_tensor("w", {3, 1, 3, 3}, values));
  for (const char* target : {"ort-cpu", "openvino"}) {
    const auto plan = plan_graph(one_sided, scheme, find_target(target));
    const auto& encoding = plan.encodings.weights.at("w");
    const bool takes = find_target(target).weight_zero_points;
    EXPECT_EQ(encoding.zero_point, (std::vector<std::int32_t>(3, takes ? -8 : 0))) << target;
    const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
    EXPECT_NO_THROW(check_model(written.proto, "rewritten"));
    Model rounded = plan.prepared;
    for (const char* name : {"w", "v"}) {
      const auto& tensor = *find_initializer(rounded.graph(), name);
      const auto shape = shape_of(tensor);
      put_initializer(rounded.graph(),
                      make_tensor(name, shape, rounded_values(float_values(tensor), shape, plan.encodings.weights.at(name))));
    }
    const auto inputs = random_inputs(plan.prepared.proto, 2);
    EXPECT_LE(largest_difference(run_model(rounded.proto, inputs), run_model(written.proto, inputs)), 0.02) << target;
  }
}

}  // namespace
}  // namespace quantize::test
