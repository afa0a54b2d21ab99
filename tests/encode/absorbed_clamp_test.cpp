#include "encode/absorbed_clamp.h"

#include <gtest/gtest.h>

#include "plan_fixture.h"

namespace quantize::test {
namespace {

std::string result_with(const std::string& clamp, Symmetry symmetry, const std::string& target = "ort-cpu") {
  Scheme scheme = scheme_named("w8a16");
  scheme.activations = symmetry;
  const auto plan =
      plan_graph(text_model_for(scheme,
                                "g (float[1,2,6,6] x) => (float y) <float[2,2,1,1] w, float[2,2,3,3] v, float l = {0.1}, float h = {6}> "
                                "{ a = Conv (x, w)  r = " +
                                    clamp + "  y = Conv (r, v) }"),
                 scheme, find_target(target));
  return rounded_result("a", GraphIndex(plan.prepared.graph()), plan.placement, plan.encodings);
}

TEST(AbsorbedClamp, WhereTheEncodingSaturatesAlike) {
  EXPECT_EQ(result_with("Relu (a)", Symmetry::asymmetric), "r");
  EXPECT_EQ(result_with("Relu (a)", Symmetry::symmetric), "") << "signed integers do not end at 0";
  EXPECT_EQ(result_with("Clip (a, l, h)", Symmetry::asymmetric), "") << "the encoding begins at 0";
  EXPECT_EQ(result_with("Relu (a)", Symmetry::asymmetric, "openvino"), "") << "it drops 16-bit pairs";
  EXPECT_EQ(result_with("MaxPool <kernel_shape = [1,1]> (a)", Symmetry::asymmetric), "a");
}

}  // namespace
}  // namespace quantize::test
