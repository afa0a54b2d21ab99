// Which tensors are compared layer by layer, and whose they are said to be.
#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "pipeline/describe.h"
#include "rewrite/rewrite.h"

namespace quantize::test {
namespace {

using Names = std::vector<std::string>;

std::vector<Names> layers_of(const std::string& text) {
  auto [model, placement, statistics, encodings] = plan_graph(text_model(text), scheme_named("w8a8"));
  const Plan plan{model, placement, encodings};
  std::vector<Names> layers;
  for (const auto& pair : tensor_pairs(plan, rewrite(model, placement, encodings))) layers.push_back({pair.node, pair.op_type, pair.fp32});
  return layers;
}

// Only the operator could be left float; without the Relu it would be quantized just the same.
TEST(TensorPairs, AreOfTheOperatorInFrontOfWhatItsEncodingAbsorbs) {
  const auto layers = layers_of(residual_graph);
  EXPECT_EQ(layers[0], (Names{"a", "Conv", "b"}));
  EXPECT_EQ(layers[1], (Names{"c", "Conv", "c"}));
  EXPECT_EQ(layers[2], (Names{"d", "Add", "e"}));
}

TEST(TensorPairs, ARelusOwnAreItsOwn) {
  const auto layers = layers_of(R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,1,1] w, float[4,4,1,1] v, float[4,4,1,1] u> {
    a = Conv (x, w)
    b = Relu (a)
    c = Conv (b, v)
    d = Add (a, c)
    y = Conv (d, u)
  })");
  EXPECT_EQ(layers[0], (Names{"a", "Conv", "a"}));
  EXPECT_EQ(layers[1], (Names{"b", "Relu", "b"}));
}

}  // namespace
}  // namespace quantize::test
