// The same values from an integer kernel, and only for 1x1 convolutions that ONNX Runtime would compute in float.
#include "rewrite/point_products.h"

#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "model/attribute.h"
#include "model/tensor.h"
#include "rewrite/rewrite.h"
#include "run/optimized_graph.h"
#include "verify/verify.h"

namespace quantize::test {
namespace {

Model written_for(const std::string& last, const std::string& scheme = "w8a8", const std::string& size = "32,32",
                  const std::string& more_outputs = "") {
  const auto text = "g (float[1,8," + size + "] x) => (float[1,M,H,W] y" + more_outputs + R"()
    <float[32,8,3,3] w, float[5,32,1,1] v, float[5,32,3,3] t, float[4,16,1,1] h, float[5] b, float[5,5,3,3] k> {
    a = Conv <pads = [1,1,1,1]> (x, w)  r = Relu (a)  )" +
                    last + " }";
  const auto plan = plan_graph(text_model_for(scheme_named(scheme), text), scheme_named(scheme));
  return rewrite(plan.prepared, plan.placement, plan.encodings);
}

std::size_t replaced(Model model) { return multiply_points(model, {}).size(); }

TEST(PointProducts, TheSameValuesFromAnIntegerKernel) {
  for (const char* last : {"y = Conv (r, v, b)", "y = Conv (r, v)", "c = Conv (r, v, b)  y = Sigmoid (c)"}) {
    const Model before = written_for(last);
    Model after = before;
    const auto products = multiply_points(after, {});
    ASSERT_EQ(products.size(), 1U) << last;
    EXPECT_EQ(count_nodes(after, "Gemm"), 1);
    EXPECT_TRUE(are_same_products(before, after, products));
    expect_same_function(before.proto, after.proto, 1e-5);
    Model optimized;
    optimized.proto = optimized_graph(after.proto);
    EXPECT_EQ(count_nodes(optimized, "QGemm"), 1) << operators(optimized);
    EXPECT_EQ(count_nodes(optimized, "Conv"), 0U);
    EXPECT_EQ(count_nodes(optimized, "DequantizeLinear"), 0U);
  }
}

TEST(PointProducts, TheInputKeepsItsOtherReaders) {
  const Model before = written_for("y = Conv (r, v, b)  z = Conv <pads = [1,1,1,1]> (r, t)", "w8a8", "32,32", ", float[1,5,32,32] z");
  Model after = before;
  EXPECT_EQ(multiply_points(after, {}).size(), 1U);
  expect_same_function(before.proto, after.proto, 1e-5);
}

TEST(PointProducts, WhatIsIntegerOrOtherStays) {
  EXPECT_EQ(replaced(written_for("c = Conv (r, v)  e = Relu (c)  y = Conv <pads = [1,1,1,1]> (e, k)")), 0U) << "the last one is no point";
  EXPECT_EQ(replaced(written_for("y = Conv <pads = [1,1,1,1]> (r, t)")), 0U);
  EXPECT_EQ(replaced(written_for("y = Conv <group = 2> (r, h)")), 0U);
  EXPECT_EQ(replaced(written_for("y = Conv <strides = [2,2]> (r, v)")), 0U);
  EXPECT_EQ(replaced(written_for("y = Conv <pads = [1,0,1,0]> (r, v)")), 0U);
  EXPECT_EQ(replaced(written_for("y = Conv (r, v, b)", "w8a16")), 0U) << "16 bits have no integer kernel";
  EXPECT_EQ(replaced(written_for("y = Conv (r, v, b)", "w8a8", "A,32")), 0U) << "unknown height";
}

// Bytes that go straight in are read by products and by others: each reads them with the same parameters.
TEST(PointProducts, PixelsWithSeveralReaders) {
  const auto text =
      "g (uint8[1,3,16,16] i) => (float[1,4,16,16] y, float[1,4,16,16] z) <float[4,3,1,1] w, float[4,3,3,3] v> { "
      "x = Cast <to = 1> (i)  y = Conv (x, w)  z = Conv <pads = [1,1,1,1]> (x, v) }";
  const auto plan = plan_graph(text_model(text), scheme_named("w8a8"));
  Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  ASSERT_EQ(multiply_points(written, {}).size(), 1U);
  EXPECT_EQ(check_activations(plan.prepared.proto, written.proto, plan.placement, plan.encodings), Issues{});
}

TEST(PointProducts, AFreeBatch) {
  const auto text = "g (float[N,8,6,6] x) => (float[N,4,6,6] y) <float[8,8,3,3] w, float[4,8,1,1] v> { a = Conv (x, w)  y = Conv (a, v) }";
  const auto plan = plan_graph(text_model(text), scheme_named("w8a8"));
  const Model before = rewrite(plan.prepared, plan.placement, plan.encodings);
  Model after = before;
  const auto products = multiply_points(after, {});
  ASSERT_EQ(products.size(), 1U);
  EXPECT_TRUE(are_same_products(before, after, products));
}

TEST(PointProducts, AProductThatGivesOtherValuesIsNoticed) {
  const Model before = written_for("y = Conv (r, v, b)");
  Model after = before;
  const auto products = multiply_points(after, {});
  for (auto& tensor : *after.graph().mutable_initializer()) {
    if (tensor.data_type() != onnx::TensorProto::UINT8 || tensor.dims_size() != 2) continue;
    auto values = int_values(tensor);
    ++values[7];
    tensor =
        make_tensor(tensor.name(), shape_of(tensor), onnx::TensorProto::UINT8, std::vector<std::int32_t>(values.begin(), values.end()));
  }
  EXPECT_FALSE(are_same_products(before, after, products));
}

TEST(PointProducts, VerificationReadsThemBack) {
  const auto text =
      "g (float[1,8,8,8] x) => (float[1,4,8,8] y) <float[8,8,3,3] w, float[4,8,1,1] v, float[4] b> { "
      "a = Conv (x, w)  y = Conv (a, v, b) }";
  const auto plan = plan_graph(text_model(text), scheme_named("w8a8"));
  Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  ASSERT_EQ(multiply_points(written, {}).size(), 1U);
  EXPECT_EQ(check_weights(plan.prepared, written.proto, plan.placement, plan.encodings), Issues{});
  EXPECT_EQ(check_biases(written.proto), Issues{});
  EXPECT_EQ(check_activations(plan.prepared.proto, written.proto, plan.placement, plan.encodings), Issues{});
  for (auto& tensor : *written.graph().mutable_initializer()) {
    if (tensor.dims_size() != 1 || tensor.data_type() != onnx::TensorProto::UINT8) continue;
    tensor = make_tensor(tensor.name(), {4}, onnx::TensorProto::UINT8, std::vector<std::int32_t>{128, 128, 127, 128});
  }
  EXPECT_EQ(check_weights(plan.prepared, written.proto, plan.placement, plan.encodings).size(), 1U);
}

// Squeezed channels that meet in float: nothing is rounded between the integers of the first convolution and the sum.
TEST(PointProducts, SumsAndConcatsBehindThemAreNotRounded) {
  const auto text = R"(g (float[1,8,32,32] x) => (float[1,8,32,32] y)
    <float[8,8,1,1] w, float[4,8,1,1] v, float[4,8,1,1] u, float[8,8,3,3] t, float[8,1,1] s> {
    a = Conv (x, w)  r = Relu (a)  b = Conv (r, v)  c = Conv (r, u)  d = Concat <axis = 1> (b, c)  e = Add (d, r)  p = PRelu (e, s)
    y = Conv <pads = [1,1,1,1]> (p, t) })";
  const auto placement = place(text_model(text), find_target("ort-cpu"));
  std::string rounded;
  for (const auto& group : placement.groups) rounded += group.members[0] + " ";
  EXPECT_EQ(rounded, "x r p ");
  const auto plan = plan_graph(text_model(text), scheme_named("w8a8"));
  const Model before = rewrite(plan.prepared, plan.placement, plan.encodings);
  Model after = before;
  const auto products = multiply_points(after, results_within_pairs(plan.prepared, plan.placement, false));
  ASSERT_EQ(products.size(), 2U);
  EXPECT_TRUE(are_same_products(before, after, products));
  EXPECT_EQ(check_weights(plan.prepared, after.proto, plan.placement, plan.encodings), Issues{});
  const GraphIndex index(after.graph());
  for (const auto& node : after.graph().node()) {
    if (node.op_type() != "Gemm") continue;
    EXPECT_EQ(index.initializer(index.producer(node.input(1))->input(0))->data_type(), onnx::TensorProto::INT8);
  }
}

// Where nothing is rounded behind them, unsigned weights keep their eighth bit on processors that add pairs in 16 bits; with `all` it does
// not matter.
TEST(PointProducts, LogitsHaveUnsignedWeightsUnlessPairsDoNotMatter) {
  const auto text = "g (float[1,8,8,8] x) => (float[1,4,8,8] y) <float[8,8,3,3] w, float[4,8,1,1] v> { a = Conv (x, w)  y = Conv (a, v) }";
  const auto plan = plan_graph(text_model(text), scheme_named("w8a8"));
  for (const bool all : {false, true}) {
    Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
    ASSERT_EQ(multiply_points(written, results_within_pairs(plan.prepared, plan.placement, all)).size(), 1U);
    const auto weight = std::ranges::find_if(written.graph().initializer(), [](const auto& tensor) { return tensor.dims_size() == 2; });
    EXPECT_EQ(weight->data_type(), all ? onnx::TensorProto::INT8 : onnx::TensorProto::UINT8);
    Model optimized;
    optimized.proto = optimized_graph(written.proto);
    EXPECT_EQ(count_nodes(optimized, "QGemm"), 1) << operators(optimized);
    EXPECT_EQ(check_weights(plan.prepared, written.proto, plan.placement, plan.encodings), Issues{});
  }
}

TEST(PointProducts, TheWeightIsThatOfTheConvolution) {
  const std::vector<std::int64_t> stored = {129, 128, 127, 131, 0, 255};  // [3, 2] with zero point 128
  const std::vector<std::int64_t> product = {3, 2}, planned = {2, 3, 1, 1}, other = {3, 2, 1, 1};
  EXPECT_EQ(convolution_weight(stored, onnx::TensorProto::UINT8, product, planned), (std::vector<std::int64_t>{1, -1, -128, 0, 3, 127}));
  EXPECT_EQ(convolution_weight(stored, onnx::TensorProto::UINT8, product, other), std::nullopt);
}

}  // namespace
}  // namespace quantize::test
