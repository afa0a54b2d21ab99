#include <limits>

#include "pass_fixture.h"
#include "prepare/prepare.h"
#include "support/error_text.h"

namespace quantize::test {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();
constexpr float infinity = std::numeric_limits<float>::infinity();

std::string refusal_of(const Model& model) {
  return error_text([&] { refuse_bad_weights(model.graph()); }, ErrorKind::numeric);
}

Model conv_with(float value, ElementType type) {
  Model model = text_model("g (float[1,1,4,4] x) => (float[1,1,3,3] y) <float[1,1,2,2] w> { y = Conv (x, w) }");
  put_initializer(model.graph(), make_float_tensor("w", {1, 1, 2, 2}, type, std::vector<float>{1, 2, value, 4}));
  return model;
}

TEST(CheckWeights, NanIsRefusedByName) {
  for (const auto type : {onnx::TensorProto::FLOAT, onnx::TensorProto::FLOAT16, onnx::TensorProto::BFLOAT16, onnx::TensorProto::DOUBLE}) {
    const std::string text = refusal_of(conv_with(nan, type));
    EXPECT_NE(text.find("'w'"), std::string::npos) << text;
    EXPECT_NE(text.find("NaN"), std::string::npos) << text;
  }
}

TEST(CheckWeights, InfiniteWeightIsRefused) {
  EXPECT_NE(refusal_of(conv_with(-infinity, onnx::TensorProto::FLOAT)).find("infinity"), std::string::npos);
}

TEST(CheckWeights, FiniteWeightIsAccepted) { EXPECT_EQ(refusal_of(conv_with(3e38F, onnx::TensorProto::FLOAT)), ""); }

TEST(CheckWeights, TypedFieldsAreReadToo) {
  Model model = conv_with(0, onnx::TensorProto::FLOAT);
  auto& tensor = *find_initializer(model.graph(), "w");
  tensor.clear_raw_data();
  for (const float value : {1.0F, nan, 2.0F, 3.0F}) tensor.add_float_data(value);
  EXPECT_NE(refusal_of(model), "");
}

TEST(CheckWeights, ConstantNodesAreReadToo) {
  Model model = text_model("g (float[2] x) => (float[2] y) { c = Constant <value = float[2] {1, 2}> ()  y = Mul (x, c) }");
  *model.graph().mutable_node(0)->mutable_attribute(0)->mutable_t() = make_tensor("", {2}, std::vector<float>{1, nan});
  EXPECT_NE(refusal_of(model).find("'c'"), std::string::npos);
}

TEST(CheckWeights, WhatNobodyReadsMayHoldAnything) {
  Model model = conv_with(1, onnx::TensorProto::FLOAT);
  put_initializer(model.graph(), make_tensor("dead", {1}, std::vector<float>{nan}));
  EXPECT_EQ(refusal_of(model), "");
  model.graph().add_output()->set_name("dead");
  EXPECT_NE(refusal_of(model).find("'dead', holds NaN"), std::string::npos) << refusal_of(model);
}

TEST(CheckWeights, InfiniteBoundsAndMasksAreAccepted) {
  Model model = text_model("g (float[2] x) => (float[2] y) <float top, float[2] mask> { t = Clip (x, , top)  y = Add (t, mask) }");
  put_initializer(model.graph(), make_tensor("top", {}, std::vector<float>{infinity}));
  put_initializer(model.graph(), make_tensor("mask", {2}, std::vector<float>{0, -infinity}));
  EXPECT_EQ(refusal_of(model), "");
}

// y = x + what is made of the mask in `made`.
Model masked_by(const std::string& made) {
  Model model = text_model(
      "g (float[1,1,4,4] x) => (float[1,1,4,4] y) <float[1,1,4,8] mask, int64[1] s = {4}, int64[1] e = {8}, "
      "int64[1] a = {3}, int64[4] four = {0, 1, 2, 3}, int64[3] shape = {1, 4, 4}> { " +
      made + "  y = Add (x, m) }");
  std::vector<float> values(32, -infinity);
  values[0] = 0;
  put_initializer(model.graph(), make_tensor("mask", {1, 1, 4, 8}, values));
  return model;
}

TEST(CheckWeights, AMaskMayBeMovedBeforeItIsAdded) {
  for (const char* made :
       {"m = Slice (mask, s, e, a)", "m = Gather <axis = 3> (mask, four)", "m, rest = Split <axis = 3, num_outputs = 2> (mask)",
        "h = Slice (mask, s, e, a)  t = Transpose <perm = [0,1,3,2]> (h)  m = Trilu <upper = 1> (t)",
        "h = Slice (mask, s, e, a)  q = Squeeze (h)  r = Reshape (q, shape)  c = Concat <axis = 0> (r, r)  m, n = Split <axis = 0> (c)"})
    EXPECT_EQ(refusal_of(masked_by(made)), "") << made;
}

TEST(CheckWeights, AMaskMayBeComparedWith) {
  EXPECT_EQ(refusal_of(masked_by("h = Slice (mask, s, e, a)  f = IsInf (h)  g = Not (f)  m = Cast <to = 1> (g)")), "");
}

TEST(CheckWeights, WhatComputesWithMovedInfinityIsNamed) {
  for (const std::string op : {"Mul", "MatMul"}) {
    const auto text = refusal_of(masked_by("h = Slice (mask, s, e, a)  t = Identity (h)  m = " + op + " (t, x)"));
    EXPECT_NE(text.find("'mask', which " + op), std::string::npos) << text;
    EXPECT_NE(text.find("infinity"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace quantize::test
