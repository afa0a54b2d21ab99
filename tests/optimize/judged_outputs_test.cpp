#include "optimize/judged_outputs.h"

#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "optimize/judge.h"

namespace quantize::test {
namespace {

using Names = std::vector<std::string>;

// Behind a convolution's output `t`, four channels.
Names scores_of(const std::string& outputs, const std::string& rest) {
  return scores_behind_outputs(text_model("g (float[1,3,8,8] x) => (" + outputs +
                                          ") <float[4,3,1,1] w, float half = {0.5}, float[4] twice = {1, 1, 2, 2}> {" +
                                          " t = Conv (x, w) " + rest + " }")
                                   .proto);
}

TEST(ScoresBehindOutputs, NoneWhereAnOutputIsInFloatingPoint) {
  EXPECT_EQ(scores_of("float[1,4,8,8] y, int64[1,1,8,8] k", "y = Relu (t)  k = ArgMax <axis = 1> (y)"), Names{});
}

TEST(ScoresBehindOutputs, WhatClassesAndMasksAreChosenBy) {
  EXPECT_EQ(scores_of("int64[1,1,8,8] y", "y = ArgMax <axis = 1> (t)"), Names{"t"});
  EXPECT_EQ(scores_of("uint8[1,1,8,8] y", "a = Sigmoid (t)  k = ArgMax <axis = 1> (a)  y = Cast <to = 2> (k)"), Names{"a"});
  EXPECT_EQ(scores_of("uint8[1,4,8,8] y", "a = Sigmoid (t)  m = Less (half, a)  y = Cast <to = 2> (m)"), Names{"a"});
}

TEST(ScoresBehindOutputs, BeforeTheyAreScaledUpAndOnceEach) {
  EXPECT_EQ(scores_of("int64[1,1,16,16] y, int64[1,1,16,16] z",
                      "a = Resize <mode = \"linear\"> (t, , twice)  y = ArgMax <axis = 1> (a)  z = ArgMin <axis = 1> (a)"),
            Names{"t"});
}

TEST(ScoresBehindOutputs, NoneWhereNumbersAreMadeOtherwise) {
  EXPECT_EQ(scores_of("int64[4] y", "y = Shape (t)"), Names{});
  EXPECT_EQ(scores_of("int64[N,4] y", "a = NonZero (t)  y = Transpose (a)"), Names{});
}

// Two classes, the first ahead by a lot: any grid leaves the class what it is, but not the scores.
TEST(Judge, TellsPlansApartThatChooseTheSameClasses) {
  const Model model = text_model(R"(g (float[1,2,1,2] x) => (int64[1,1,1,2] y) <float[2,2,1,1] w = {1,0,0,1}> {
    t = Conv (x, w)
    y = ArgMax <axis = 1> (t)
  })");
  OptimizeInput input{scheme_named("w8a8"), {}, 2, 0};
  input.references = std::make_shared<References>();
  input.references->keep(0, {{0, 0}});  // the classes, as who does not know of scores keeps them
  input.load = [](std::size_t i) {
    return std::vector<Tensor>{Tensor::of({1, 2, 1, 2}, std::vector<float>{3.3F, 2.1F + static_cast<float>(i), -1.4F, -0.7F})};
  };
  const auto planned = plan_graph(model, input.scheme);
  Plan plan{planned.prepared, planned.placement, planned.encodings};
  const Context context;
  const Judge judge(model, input, context);
  const auto verdict_with = [&](float step) {
    for (auto& [name, encoding] : plan.encodings.activations) encoding.scale = {step}, encoding.zero_point = {128};
    return judge(plan, {.weights = false}).sqnr_db;
  };
  const double fine = verdict_with(0.07F), coarse = verdict_with(0.5F);
  EXPECT_LT(coarse, 30);
  EXPECT_GT(fine, coarse + 10);
  EXPECT_LT(fine, 100);
}

TEST(OutputsThatFit, TheFirstAlways) {
  Context context;
  context.working_memory = 4000;
  const std::vector<std::size_t> sizes = {300, 200, 100};
  EXPECT_EQ(outputs_that_fit(sizes, 1, context), 3U);
  EXPECT_EQ(outputs_that_fit(sizes, 2, context), 2U);
  EXPECT_EQ(outputs_that_fit(sizes, 100, context), 1U);
}

TEST(JudgeBytes, CountFloatOutputsOfKnownSize) {
  Context context;
  const Model model =
      text_model("g (float[1,2,8,8] x) => (float[1,2,8,8] y, int64[1,1,8,8] k) { y = Relu (x)  k = ArgMax <axis = 1> (y) }");
  constexpr std::size_t output = std::size_t{2} * 8 * 8 * 4;
  EXPECT_EQ(judge_bytes(model.proto, 12, context), 12 * output + 2 * output);
  EXPECT_EQ(judged_that_fit(model.proto, 12, 2, context), 12U);
  context.working_memory = 10 * output;
  EXPECT_EQ(judged_that_fit(model.proto, 12, 2, context), 5U);
  context.working_memory = 1;
  EXPECT_EQ(judged_that_fit(model.proto, 12, 2, context), 2U);
  EXPECT_EQ(judged_that_fit(model.proto, 1, 2, context), 1U);
  const Model free = text_model("g (float[1,2,H,W] x) => (float[1,2,H,W] y) { y = Relu (x) }");
  EXPECT_EQ(judge_bytes(free.proto, 12, context), 0U);
  EXPECT_EQ(judged_that_fit(free.proto, 12, 2, context), 12U);
}

}  // namespace
}  // namespace quantize::test
