#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

// A convolution's result with its channels last, then `nodes`, which make "u" with its channels in front for another convolution.
PassResult between(const std::string& nodes) {
  return run_pass_on(
      "g (float[1,3,6,5] x) => (float y) <float[4,3,1,1] w, float[8,4,1,1] v, float[8,8,1,1] v8, float[4] c, float[1,6,5,4] whole, float "
      "half = {0.5}, int64[8] pads = {0,1,2,0,0,0,1,0}, int64[2] axes = {1,2}, float[2,1,6,5,4] deep, float[1,5,6,4] other> { a = Conv (x, "
      "w)  t = "
      "Transpose <perm = [0,2,3,1]> (a) " +
          nodes + "}",
      sparing_nothing(move_transposes), 18);
}

constexpr const char* back = "u = Transpose <perm = [0,3,1,2]> (r) ";

std::string left(const std::string& nodes, const std::string& conv = "y = Conv (u, v)") {
  return operators(between(nodes + "  " + back + conv).after);
}

TEST(MoveTransposes, AnElementwiseOperatorStandsBehindTheConvolutionAgain) {
  EXPECT_EQ(left("r = Relu (t)"), "Conv Relu Conv");
  EXPECT_EQ(left("r = Mul (t, half)"), "Conv Mul Conv");
  EXPECT_EQ(left("r = Add (c, t)"), "Conv Add Conv") << "a constant is turned, too";
  EXPECT_EQ(left("r = PRelu (t, c)"), "Conv PRelu Conv");
  EXPECT_EQ(left("r = Sub (t, whole)"), "Conv Sub Conv");
}

TEST(MoveTransposes, AxesAndPadsAreThoseOfTheOtherOrder) {
  EXPECT_EQ(left("r = Pad (t, pads)"), "Conv Pad Conv");
  EXPECT_EQ(left("m = ReduceMean (t, axes)  r = Mul (m, t)"), "Conv ReduceMean Mul Conv");
  EXPECT_EQ(left("s = Sigmoid (t)  r = Concat <axis = -1> (t, s)", "y = Conv (u, v8)"), "Conv Sigmoid Concat Conv");
}

TEST(MoveTransposes, ABranchThatIsNotTurnedBackIsTurnedAtItsEnd) {
  EXPECT_EQ(operators(between(std::string("r = Relu (t) ") + back +
                              "o = Conv (u, v)  l = Softmax <axis = -1> (r)  m = ReduceMax <keepdims = 0> (l)  "
                              "y = Add (o, m)")
                          .after),
            "Conv Relu Transpose Conv Softmax ReduceMax Add");
}

TEST(MoveTransposes, ANodeThatMovesIsNotNamedTwice) {
  Model model = text_model(
      "g (float[1,3,6,5] x) => (float y, float r) <float[4,3,1,1] w, float[8,4,1,1] v> { a = Conv (x, w)  t = Transpose <perm = [0,2,3,1]> "
      "(a)  "
      "r = Relu (t)  u = Transpose <perm = [0,3,1,2]> (r)  y = Conv (u, v) }");
  int number = 0;
  for (auto& node : *model.graph().mutable_node()) node.set_name("n" + std::to_string(number++));
  EXPECT_EQ(operators(run_pass_on(model, sparing_nothing(move_transposes)).after), "Conv Relu Transpose Conv");
}

TEST(MoveTransposes, NodesThatAreToStayDo) {
  const Model model = text_model(
      "g (float[1,3,6,5] x) => (float y) <float[4,3,1,1] w, float[8,4,1,1] v> { a = Conv (x, w)  t = Transpose <perm = [0,2,3,1]> (a)  "
      "r = Relu (t)  u = Transpose <perm = [0,3,1,2]> (r)  y = Conv (u, v) }");
  for (const char* type : {"Transpose", "Relu"})
    EXPECT_EQ(run_pass_on(with_name(model, type), sparing_named(move_transposes)).detail, "") << type;
}

TEST(MoveTransposes, TwoInARowAreOne) {
  const auto result = between("y = Transpose <perm = [0,2,1,3]> (t)");
  EXPECT_EQ(operators(result.after), "Conv Transpose");
  EXPECT_EQ(result.detail, "1 Transpose");
  EXPECT_EQ(operators(between("y = Transpose <perm = [0,3,1,2]> (t)").after), "Conv Identity") << "an output keeps its name";
}

TEST(MoveTransposes, WhatMindsTheOrderStays) {
  EXPECT_EQ(between(std::string("r = Softmax <axis = -1> (t) ") + back + "y = Conv (u, v)").detail, "");
  EXPECT_EQ(between("y = Relu (t)").detail, "") << "nothing turns it back";
  EXPECT_EQ(between(std::string("z = Transpose <perm = [0,2,1,3]> (other)  r = Mul (t, z) ") + back + "y = Conv (u, v)").detail, "")
      << "turned in another way";
  EXPECT_EQ(between("r = Add (t, deep)  u = Transpose <perm = [0,1,4,2,3]> (r)  y = Relu (u)").detail, "") << "of a higher rank";
}

}  // namespace
}  // namespace quantize::test
