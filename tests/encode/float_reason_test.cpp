#include "encode/float_reason.h"

#include <gtest/gtest.h>

#include "support/text_model.h"

namespace quantize::test {
namespace {

std::string reason_for(const char* graph, const std::string& target = "qnn") {
  const Model model = text_model(graph);
  return float_reason(node_of(model, "y"), {.has_float_role = true, .makes_floats = true}, find_target(target), GraphIndex(model.graph()));
}

TEST(FloatReason, AnOperatorOfTheTableIsNotSaidToBeMissingThere) {
  EXPECT_NE(reason_for("g (float[1,2,4,4] x) => (float y) { y = Erf (x) }").find("not in the table"), std::string::npos);
  for (const char* graph : {"g (float[1,2,4,4] x, float[2,2,1,1] w) => (float y) { y = Conv (x, w) }",
                            "g (float[2] x, float h) => (float y) { y = Clip (x, , h) }"})
    EXPECT_NE(reason_for(graph).find("in other forms only"), std::string::npos) << graph;
  constexpr const char* division = "g (float[2] x, float[2] z) => (float[2] y) { y = Div (x, z) }";
  EXPECT_EQ(reason_for(division), "what it divides by may round to zero");
  EXPECT_EQ(reason_for(division, "ort-cpu"), "no integer kernel on ort-cpu");
}

}  // namespace
}  // namespace quantize::test
