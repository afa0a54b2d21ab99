#include "prepare/value_types.h"

#include <gtest/gtest.h>

#include "support/text_model.h"

namespace quantize::test {
namespace {

TEST(ValueTypes, FollowTheInputs) {
  const ValueTypes types(
      text_model("g (float[N,3,8,8] x) => (float16[a,b] y) <float[4,3,3,3] w> { t = Conv (x, w)  u = Flatten (t)  y = Cast <to = 10> (u) }")
          .proto);
  EXPECT_EQ(types.of("t").shape, (Shape{-1, 4, 6, 6}));
  EXPECT_FALSE(types.of("t").is_static());
  EXPECT_TRUE(types.of("w").is_static());
  EXPECT_EQ(types.of("y").type, onnx::TensorProto::FLOAT16);
  EXPECT_EQ(types.rank("u"), 2);
}

TEST(ValueTypes, NothingIsKnownOfStrangers) {
  const ValueTypes types(text_model("g (float[2] x) => (float[2] y) { y = Relu (x) }").proto);
  EXPECT_EQ(types.of("nobody").type, onnx::TensorProto::UNDEFINED);
  EXPECT_EQ(types.rank("nobody"), -1);
}

TEST(ValueTypes, ClaimsAboutOtherDomainsAreBelieved) {
  const ValueTypes types(text_model(R"(<ir_version: 8, opset_import: ["" : 17, "org.example" : 1]> g (float[2] x) => (float[2] y) {
    t = org.example.Thing (x)  y = Relu (t)
  })")
                             .proto);
  EXPECT_EQ(types.rank("t"), -1);
}

TEST(ValueTypes, TensorsOfSubgraphs) {
  const ValueTypes types(text_model(R"(g (bool c, float[2,3] x) => (float[2,3] y) {
    y = If (c) < then_branch = t () => (float[2,3] p) { a = Neg (x)  p = Relu (a) }, else_branch = e () => (float[2,3] q) { q = Identity (x) } >
  })")
                             .proto);
  EXPECT_EQ(types.of("a").type, onnx::TensorProto::FLOAT);
}

TEST(ValueTypes, LargeWeightsKeepTheirShape) {
  const ValueTypes types(text_model("g (float[1,100] x) => (float[1,100] y) <float[100,100] w> { y = MatMul (x, w) }").proto);
  EXPECT_EQ(types.of("y").shape, (Shape{1, 100}));
  EXPECT_EQ(types.of("w").shape, (Shape{100, 100}));
}

}  // namespace
}  // namespace quantize::test
