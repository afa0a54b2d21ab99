#include "optimize/judge.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <memory>
#include <set>

#include "encode/plan_fixture.h"

namespace quantize::test {
namespace {

OptimizeInput numbered(std::size_t count) {
  OptimizeInput input;
  input.samples = count;
  input.load = [](std::size_t i) { return std::vector<Tensor>{Tensor::of({1}, std::vector<float>{static_cast<float>(i)})}; };
  return input;
}

std::set<int> numbers(const OptimizeInput& input) {
  std::set<int> result;
  for (std::size_t i = 0; i < input.samples; ++i) result.insert(static_cast<int>(input.load(i)[0].as<float>()[0]));
  return result;
}

TEST(SplitSamples, WhatJudgesIsNotLearnedFrom) {
  const auto split = split_samples(numbered(40), 3);
  const auto learned = numbers(split.learned), judged = numbers(split.judged);
  EXPECT_EQ(learned.size(), 35U);
  EXPECT_EQ(judged.size(), 3U);
  for (const int number : judged) EXPECT_FALSE(learned.contains(number));
}

TEST(SplitSamples, FewSamplesServeBoth) {
  const auto split = split_samples(numbered(5), 3);
  EXPECT_EQ(split.learned.samples, 5U);
  EXPECT_EQ(split.judged.samples, 3U);
}

TEST(SplitSamples, TheFirstTwoThatJudgeAreKnownBefore) {
  const auto known = samples_to_judge_by(numbered(40));
  const auto least = numbers(split_samples(numbered(40), least_judged).judged);
  EXPECT_EQ(std::set<int>(known.begin(), known.end()), least);
  EXPECT_EQ(samples_to_judge_by(numbered(1)), std::vector<std::size_t>{0});
  EXPECT_TRUE(samples_to_judge_by(numbered(0)).empty());
}

TEST(Evenly, SpreadsOverAll) {
  EXPECT_EQ(numbers(evenly(numbered(10), 5)), (std::set<int>{0, 2, 4, 6, 8}));
  EXPECT_EQ(evenly(numbered(4), 9).samples, 4U);
}

TEST(Joined, OneBehindTheOther) {
  const auto both = joined(evenly(numbered(10), 2), numbered(3));
  EXPECT_EQ(both.samples, 5U);
  EXPECT_EQ(numbers(both), (std::set<int>{0, 1, 2, 5}));
}

Model identity() { return text_model(R"(g (float[1,1,1,2] x) => (float[1,1,1,2] y) <float[1,1,1,1] w = {1}> { y = Conv (x, w) })"); }

// A plan that rounds x, and what only moves its values, to multiples of `step`.
Plan plan_with_step(const Model& model, float step) {
  const auto planned = plan_graph(model, scheme_named("w8a8"));
  Plan plan{planned.prepared, planned.placement, planned.encodings};
  for (auto& [name, encoding] : plan.encodings.activations) {
    encoding.scale = {step};
    encoding.zero_point = {128};
  }
  return plan;
}

Verdict verdict_on(const std::vector<std::vector<float>>& samples, const Model& model, float step) {
  OptimizeInput input{scheme_named("w8a8"), {}, samples.size(), 0};
  input.load = [samples](std::size_t i) { return std::vector<Tensor>{Tensor::of({1, 1, 1, 2}, samples[i])}; };
  return Judge(model, input, Context())(plan_with_step(model, step), {.weights = false});
}

// The error by hand: y = x rounded to a grid of step 1/4, seen through the network's own output.
TEST(Judge, AllSamplesAndTheWorst) {
  const Verdict verdict = verdict_on({{1, 2.05F}, {3, -1.1F}}, identity(), 0.25F);
  const double quiet = 1 + 2.05 * 2.05, loud = 9 + 1.1 * 1.1, usual = (quiet + loud) / 2;
  const double first = 0.05 * 0.05 / usual, second = 0.1 * 0.1 / loud;
  EXPECT_NEAR(verdict.worst_db, -10 * std::log10(second), 1e-3);
  EXPECT_NEAR(verdict.sqnr_db, -10 * std::log10((first + second) / 2), 1e-3);
  EXPECT_DOUBLE_EQ(verdict.score(), 0.75 * verdict.sqnr_db + 0.25 * verdict.worst_db);
}

// A picture without a person in it: what little its output is, rounding may change it altogether.
TEST(Judge, ASampleThatShowsNothingHardlyCounts) {
  const Verdict alone = verdict_on({{3.1F, 4.1F}}, identity(), 0.25F);
  const Verdict beside = verdict_on({{3.1F, 4.1F}, {0.02F, -0.02F}}, identity(), 0.25F);
  EXPECT_DOUBLE_EQ(beside.worst_db, alone.worst_db);
  EXPECT_NEAR(beside.sqnr_db, alone.sqnr_db + 10 * std::log10(2), 0.5);
}

// Of x = (2, 2.05), rounded to 1/4, the first output is the larger half, the last all of it, 100 times as large: the mean of two shares.
TEST(Judge, EveryOutputCounts) {
  const Model heads = text_model(R"(g (float[1,1,1,2] x) => (float[1,1,1,1] y, int64[1,1,1] top, float[1,1,1,2] z)
    <float[1,1,1,1] w = {100}> {
    y = MaxPool <kernel_shape = [1,2]> (x)
    top = ArgMax <axis = 3, keepdims = 0> (x)
    z = Conv (x, w)
  })");
  const double lost = 0.05 * 0.05, y = lost / (2.05 * 2.05), z = lost / (4 + 2.05 * 2.05);
  EXPECT_NEAR(verdict_on({{2, 2.05F}}, heads, 0.25F).sqnr_db, -10 * std::log10((y + z) / 2), 1e-3);
  const std::vector classes{Tensor::zeros(onnx::TensorProto::INT64, {2})};
  EXPECT_EQ(judged_values(classes), (OutputValues{{0, 0}})) << "there is nothing else";
}

// z holds what of p is not 0: rounded, there is less of it.
TEST(Judge, AnOutputWhoseSizeFollowsTheValuesDoesNotCount) {
  const Model boxes = text_model(R"(g (float[1,1,1,2] x) => (float[1,1,1,2] y, float[n] z) <float[1,1,1,1] w = {1}> {
    p = Conv (x, w)
    y = Conv (p, w)
    found = NonZero (p)
    places = Transpose (found)
    z = GatherND (p, places)
  })");
  EXPECT_DOUBLE_EQ(verdict_on({{2, 0.05F}}, boxes, 0.25F).sqnr_db, verdict_on({{2, 0.05F}}, identity(), 0.25F).sqnr_db);
}

TEST(Judge, OutputsBehindTheFirstCountWhileTheyAreFew) {
  const Model heads =
      text_model(R"(g (float[1,1,1,2] x) => (float[1,1,1,2] y, float[1,1,1,2] z) <float[1,1,1,1] w = {1}, float[1,1,1,1] v = {0}> {
    y = Conv (x, w)
    z = Conv (x, v)
  })");
  OptimizeInput input{scheme_named("w8a8"), {}, 1, 0};
  input.load = [](std::size_t) { return std::vector<Tensor>{Tensor::of({1, 1, 1, 2}, std::vector<float>{1, 2.05F})}; };
  Context context;
  const double both = Judge(heads, input, context)(plan_with_step(heads, 0.25F), {.weights = false}).sqnr_db;
  context.working_memory = 4 * 2 * sizeof(float);  // a quarter of it is one output
  const double first = Judge(heads, input, context)(plan_with_step(heads, 0.25F), {.weights = false}).sqnr_db;
  EXPECT_NEAR(both, first + 10 * std::log10(2), 1e-3) << "the second is always 0, without error";
}

// x / |x|: where rounding leaves nothing of x there is 0 / 0, and no plan that makes that may win.
TEST(Judge, NoNumberIsTheWorstOfAll) {
  const Model model = text_model(R"(g (float[1,1,1,2] x) => (float[1,1,1,2] y) <float[1,1,1,1] w = {1}> {
    a = Conv (x, w)
    n = ReduceL2 (a)
    y = Div (a, n)
  })");
  const auto score_on = [&](float step, float loud) { return verdict_on({{loud, loud}, {0.1F, 0.1F}}, model, step).score(); };
  EXPECT_GT(score_on(0.01F, 1), 0);
  EXPECT_DOUBLE_EQ(score_on(0.5F, 1), -999);
  EXPECT_GT(score_on(0.01F, 0), 0) << "FP32's own output is no number: the other sample decides";
}

TEST(Judge, ADifferenceThatIsNoChanceIsSeenOnTheLoudestSample) {
  const Model model = identity();
  std::atomic<int> loads = 0;
  std::atomic<std::size_t> last = 0;
  OptimizeInput input{scheme_named("w8a8"), {}, 3, 0};
  input.load = [&](std::size_t i) {
    ++loads;
    last = i;
    return std::vector<Tensor>{Tensor::of({1, 1, 1, 2}, std::vector<float>{1.03F, 2.06F + static_cast<float>(i)})};
  };
  const Context context;  // the judge keeps a reference to it
  const Judge judge(model, input, context, 6);
  const auto samples_of = [&](float coarse, float fine) {
    loads = 0;
    const auto [before, after] = judge.both(plan_with_step(model, coarse), plan_with_step(model, fine), {.weights = false});
    EXPECT_EQ(before.samples, after.samples);
    EXPECT_EQ(static_cast<std::size_t>(loads), 2 * after.samples);
    EXPECT_EQ(gain(before, after).find("worst") == std::string::npos, after.samples == 1);
    return after.samples;
  };
  EXPECT_EQ(samples_of(0.5F, 0.03F), 1U);
  EXPECT_EQ(last, 2U);
  EXPECT_EQ(samples_of(0.5F, 0.24F), 3U);
}

TEST(Judge, ReferencesAreComputedOnce) {
  const Model model = text_model("g (float[1,1,1,2] x) => (float[1,1,1,2] y) { y = Neg (x) }");
  OptimizeInput input = numbered(10);
  std::atomic<int> loads = 0;
  input.load = [&loads](std::size_t i) {
    ++loads;
    return std::vector<Tensor>{Tensor::of({1, 1, 1, 2}, std::vector<float>{static_cast<float>(i), 1})};
  };
  input.references = std::make_shared<References>();
  const Context context;
  const Judge first(model, evenly(input, 5), context);
  EXPECT_EQ(loads, 5);
  const Judge second(model, evenly(evenly(input, 5), 5), context);
  EXPECT_EQ(loads, 5) << "the same samples";
  const Judge third(model, joined(evenly(input, 5), evenly(input, 1)), context);
  EXPECT_EQ(loads, 5);
  EXPECT_EQ(input.references->of(4), (OutputValues{{-4, -1}})) << "sample 4, the third of five";
  EXPECT_TRUE(input.references->of(5).empty());
  input.references->keep(5, {std::vector<float>(std::size_t{5} << 20)});
  EXPECT_TRUE(input.references->of(5).empty()) << "too large to be kept";
}

}  // namespace
}  // namespace quantize::test
