#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

class ClipBounds : public testing::TestWithParam<GraphCase> {};

TEST_P(ClipBounds, SameFunctionInThisForm) {
  const std::string graph =
      "g (float[64] x) => (float[64] y) <float zero = {0}, float one = {1}, float[1] one1 = {1}, float half = {0.5}, float big = "
      "{3.4028235e38}, float top = {3.4e38}, float bottom = {-3.4e38}, float[64] w> { " +
      std::string(GetParam().graph) + " }";
  const auto result = run_pass_on(graph, sparing_nothing(clip_bounds), 17, 0);
  EXPECT_EQ(operators(result.after), GetParam().operators_after);
}

INSTANTIATE_TEST_SUITE_P(
    Rewritten, ClipBounds,
    testing::Values(GraphCase{"MaxThenMin", "t = Max (x, zero)  y = Min (t, one)", "Clip"},
                    GraphCase{"MinThenMax", "t = Min (one1, x)  y = Max (t, half)", "Clip"},
                    GraphCase{"MaxWithZeroIsRelu", "y = Max (zero, x)", "Relu"},
                    GraphCase{"ClipFromZeroIsRelu", "y = Clip (x, zero)", "Relu"},
                    GraphCase{"ClipToTheLargestFloatIsRelu", "y = Clip (x, zero, big)", "Relu"},
                    GraphCase{"WhatPeopleWriteForTheLargestFloatIsNoBound", "t = Relu (x)  y = Clip (t, bottom, top)", "Relu"},
                    GraphCase{"BetweenTheSmallestFloatAndOne", "t = Max (x, bottom)  y = Min (t, one)", "Clip"},
                    GraphCase{"ReluThenMin", "t = Relu (x)  y = Min (t, one)", "Clip"},
                    GraphCase{"ReluThenClip", "t = Relu (x)  y = Clip (t, , one)", "Clip"},
                    GraphCase{"DisjointBounds", "t = Clip (x, half, one)  y = Clip (t, , zero)", "Clip"},
                    GraphCase{"MinAlone", "y = Min (x, one)", "Clip"}, GraphCase{"TwiceRelu", "t = Relu (x)  y = Relu (t)", "Relu"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(Kept, ClipBounds,
                         testing::Values(GraphCase{"Relu6", "y = Clip (x, zero, one)", "Clip"}, GraphCase{"Relu", "y = Relu (x)", "Relu"},
                                         GraphCase{"MaxWithTensor", "y = Max (x, w)", "Max"},
                                         GraphCase{"MaxOfThree", "y = Max (x, zero, one)", "Max"},
                                         GraphCase{"ReadBetween", "t = Relu (x)  u = Clip (t, , one)  y = Add (t, u)", "Relu Clip Add"},
                                         GraphCase{"CrossedBounds", "t = Clip (x, one, half)  y = Neg (t)", "Clip Neg"},
                                         GraphCase{"NothingButTheLargestFloat", "y = Max (x, top)", "Max"},
                                         GraphCase{"NothingButTheSmallestFloat", "y = Min (x, bottom)", "Min"},
                                         GraphCase{"NoBounds", "t = Clip (x)  y = Clip (t)", "Clip Clip"}),
                         case_name);

TEST(ClipBoundsTypes, KeepsIntegers) {
  EXPECT_EQ(run_pass_on("g (int64[4] x) => (int64[4] y) <int64 zero = {0}> { y = Max (x, zero) }", sparing_nothing(clip_bounds)).detail,
            "");
}

TEST(ClipBoundsTypes, KeepsMaxThatWidens) {
  EXPECT_EQ(
      run_pass_on("g (float[4] x) => (float[1,4] y) <float[1,1] zero = {0}> { y = Max (x, zero) }", sparing_nothing(clip_bounds)).detail,
      "");
}

TEST(ClipBoundsTypes, BoundsAreExactScalarsOfTheDataType) {
  const auto result = run_pass_on(
      "g (double[4] x) => (double[4] y) <double[1] low = {-0.25}, double[1] high = {0.1}> { t = Max (x, low)  y = Min (t, high) }",
      sparing_nothing(clip_bounds), 17, 0);
  const auto& high = initializer_of(result.after, node_of(result.after, "y").input(2));
  EXPECT_EQ(high.data_type(), onnx::TensorProto::DOUBLE);
  EXPECT_EQ(high.dims_size(), 0);
}

TEST(ClipBoundsKept, ExcludedNodesStayAsTheyAre) {
  const char* graph = "g (float[4] x) => (float[4] y) <float zero = {0}, float one = {1}> { t = Max (x, zero)  y = Min (t, one) }";
  const auto kept = [&](const std::string& type) {
    return operators(run_pass_on(with_name(text_model(graph), type), sparing_named(clip_bounds), 0).after);
  };
  EXPECT_EQ(kept("Max"), "Max Clip");
  EXPECT_EQ(kept("Min"), "Relu Min");
}

}  // namespace
}  // namespace quantize::test
