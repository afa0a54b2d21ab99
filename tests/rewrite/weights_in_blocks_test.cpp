#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "rewrite/rewrite.h"

namespace quantize::test {
namespace {

// What ONNX Runtime makes of block-wise weights is what their float values make.
TEST(Rewrite, WeightsInBlocks) {
  Scheme scheme = scheme_named("w4a16");
  scheme.block_size = 4;
  const Model model = text_model_for(scheme, R"(g (float[1,10,6,6] x) => (float[1,8,9] z) <float[8,10,1,1] w, float[8] b, float[36,9] v> {
    a = Conv (x, w, b)
    s = Shape <start = 0, end = 2> (a)
    m = Constant <value_ints = [-1]> ()
    t = Concat <axis = 0> (s, m)
    r = Reshape (a, t)
    z = MatMul (r, v)
  })");
  auto plan = plan_graph(model, scheme);
  EXPECT_EQ(plan.encodings.weights.at("w").scale.size(), 8U * 3);
  EXPECT_EQ(plan.encodings.weights.at("v").scale.size(), 9U * 9);
  const Model quantized = rewrite(model, plan.placement, plan.encodings);
  EXPECT_NO_THROW(check_model(quantized.proto, "in blocks"));
  EXPECT_EQ(int_attribute(*GraphIndex(quantized.graph()).producer(node_of(quantized, "a").input(1)), "block_size", 0), 4);

  Model rounded = model;  // the same weights as floats
  for (const char* name : {"w", "v"}) {
    const auto tensor = initializer_of(model, name);
    const auto& encoding = plan.encodings.weights.at(name);
    auto values = float_values(tensor);
    const auto integers = quantize_values(values, shape_of(tensor), encoding);
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(integers[i]) * encoding.scale[slice_of(i, shape_of(tensor), encoding)];
    put_initializer(rounded.graph(), make_tensor(name, shape_of(tensor), values));
  }
  const auto inputs = random_inputs(model.proto, 2);
  const Model expected = rewrite(rounded, plan.placement, plan.encodings, {.weights = false});
  EXPECT_LT(largest_difference(run_model(expected.proto, inputs), run_model(quantized.proto, inputs)), 1e-3);
}

TEST(Rewrite, AGemmWithWeightsInBlocks) {
  Scheme scheme = scheme_named("w4a16");
  scheme.block_size = 16;
  const Model model = text_model_for(scheme, "g (float[4,64] x) => (float[4,8] y) <float[64,8] w, float[8] b> { y = Gemm (x, w, b) }");
  const auto plan = plan_graph(model, scheme);
  const Model quantized = rewrite(plan.prepared, plan.placement, plan.encodings);
  EXPECT_NO_THROW(check_model(quantized.proto, "in blocks"));
  const auto inputs = random_inputs(model.proto, 2);
  EXPECT_LT(largest_difference(run_model(model.proto, inputs), run_model(quantized.proto, inputs)), 0.5);
}

}  // namespace
}  // namespace quantize::test
