// The same values from an integer kernel, and only for 1x1 convolutions that ONNX Runtime would compute in float.
#include "rewrite/point_products.h"

#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "model/attribute.h"
#include "rewrite/rewrite.h"
#include "run/optimized_graph.h"

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

int replaced(Model model) { return multiply_points(model); }

TEST(PointProducts, TheSameValuesFromAnIntegerKernel) {
  for (const char* last : {"y = Conv (r, v, b)", "y = Conv (r, v)", "c = Conv (r, v, b)  y = Sigmoid (c)"}) {
    const Model before = written_for(last);
    Model after = before;
    ASSERT_EQ(multiply_points(after), 1) << last;
    EXPECT_EQ(count_nodes(after, "MatMul"), 1);
    expect_same_function(before.proto, after.proto, 1e-5);
    Model optimized;
    optimized.proto = optimized_graph(after.proto);
    EXPECT_EQ(count_nodes(optimized, "MatMulIntegerToFloat"), 1) << operators(optimized);
    EXPECT_EQ(count_nodes(optimized, "Conv"), 0);
    EXPECT_EQ(count_nodes(optimized, "DequantizeLinear"), 0);
  }
}

TEST(PointProducts, TheInputKeepsItsOtherReaders) {
  const Model before = written_for("y = Conv (r, v, b)  z = Conv <pads = [1,1,1,1]> (r, t)", "w8a8", "32,32", ", float[1,5,32,32] z");
  Model after = before;
  EXPECT_EQ(multiply_points(after), 1);
  expect_same_function(before.proto, after.proto, 1e-5);
}

TEST(PointProducts, WhatIsIntegerOrOtherOrSmallStays) {
  EXPECT_EQ(replaced(written_for("c = Conv (r, v)  e = Relu (c)  y = Conv <pads = [1,1,1,1]> (e, k)")), 0) << "the last one is no point";
  EXPECT_EQ(replaced(written_for("y = Conv <pads = [1,1,1,1]> (r, t)")), 0);
  EXPECT_EQ(replaced(written_for("y = Conv <group = 2> (r, h)")), 0);
  EXPECT_EQ(replaced(written_for("y = Conv <strides = [2,2]> (r, v)")), 0);
  EXPECT_EQ(replaced(written_for("y = Conv <pads = [1,0,1,0]> (r, v)")), 0);
  EXPECT_EQ(replaced(written_for("y = Conv (r, v, b)", "w8a16")), 0) << "16 bits have no integer kernel";
  EXPECT_EQ(replaced(written_for("y = Conv (r, v, b)", "w8a8", "8,8")), 0) << "nothing to gain";
}

TEST(PointProducts, TheWeightIsThatOfTheConvolution) {
  const std::vector<std::int64_t> stored = {129, 128, 127, 131, 0, 255};  // [3, 2] with zero point 128
  const std::vector<std::int64_t> product = {3, 2}, planned = {2, 3, 1, 1}, other = {3, 2, 1, 1};
  EXPECT_EQ(convolution_weight(stored, product, planned), (std::vector<std::int64_t>{1, -1, -128, 0, 3, 127}));
  EXPECT_EQ(convolution_weight(stored, product, other), std::nullopt);
}

}  // namespace
}  // namespace quantize::test
