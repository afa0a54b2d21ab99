// The search on made-up networks whose noise is known: which raises it picks, in which order, and what it says where there is no way.
#include "mixed/search.h"

#include <gtest/gtest.h>

#include <cmath>

#include "encode/plan_fixture.h"

namespace quantize::test {
namespace {

// x -> a (1000 weights' worth of operations) -> b -> y
constexpr const char* net = R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[40,4,1,1] w, float[40,40,1,1] v, float[4,40,1,1] u> {
  a = Conv (x, w)
  b = Conv (a, v)
  y = Conv (b, u)
})";

class Search : public testing::Test {
 protected:
  CostModel costs(const Scheme& scheme, Speed speed = {.bits8 = 0.5, .bits4 = 1, .wide = 1, .floating = 1}) {
    scheme_ = scheme;
    placement_ = place(model_, find_target("ort-cpu"));
    return {model_, placement_, scheme_, speed, count_operations(model_, placement_, random_samples(model_)), 2000, 8000};
  }
  // Noise per unit in their order; 8 or 4 bits make it, more bits take it away.
  std::vector<Sensitivity> noises(const std::vector<double>& noise) {
    std::vector<Sensitivity> rows;
    for (const auto& unit : units_of(model_, placement_, scheme_)) {
      rows.push_back({unit, {}, noise.at(rows.size())});
    }
    return rows;
  }
  static Accuracy left(const std::vector<Sensitivity>& rows, const Assignment& assignment) {
    double sum = 1e-9;
    for (const auto& row : rows) {
      const auto& given = row.unit.kind == Unit::Kind::weights ? assignment.weights : assignment.activations;
      if (!given.contains(row.unit.name)) sum += row.noise;
    }
    Accuracy accuracy;
    accuracy.psnr_db = -10 * std::log10(sum);
    return accuracy;
  }

  Model model_ = text_model(net);
  Scheme scheme_;
  Placement placement_;
};

TEST_F(Search, CostsAreThoseOfTheTypes) {
  const CostModel model = costs(Scheme::named("w4a16"));
  EXPECT_DOUBLE_EQ(model.of({}).size, 0.25);
  EXPECT_DOUBLE_EQ(model.of({{{"b", 8}}, {}}).size, (2000 + 1600 * 0.5) / 8000);
  EXPECT_DOUBLE_EQ(model.of({{{"b", float_bits}}, {}}).size, (2000 + 1600 * 3.5) / 8000);
  EXPECT_EQ(count_operations(model_, placement_, random_samples(model_)), (std::vector<double>{64 * 160, 64 * 1600, 64 * 160}));
}

TEST_F(Search, AWideActivationSlowsEveryNodeThatReadsOrMakesIt) {
  const CostModel model = costs(Scheme::named("w8a8"));
  // y's own output is not quantized there, so that it runs in float either way.
  EXPECT_DOUBLE_EQ(model.of({}).latency, (160 * 0.5 + 1600 * 0.5 + 160) / 1920);
  EXPECT_DOUBLE_EQ(model.of({{}, {{"a", 16}}}).latency, 1);
  EXPECT_DOUBLE_EQ(model.of({{}, {{"x", 16}}}).latency, (160 + 1600 * 0.5 + 160) / 1920);
}

TEST_F(Search, RaisesComeInTheOrderOfNoisePerCost) {
  const CostModel model = costs(Scheme::named("w4a16"));
  // Units: A x, W a, A a, W b, A b, W y. b has ten times the weights of a.
  const auto ranked = rank_promotions(noises({0, 1e-3, 0, 5e-3, 0, 1e-4}), model, {});
  std::vector<std::string> names;
  for (const auto& raise : ranked) names.push_back(raise.unit.name + (raise.to == 8 ? "8" : "f"));
  EXPECT_EQ(names, (std::vector<std::string>{"a8", "b8", "y8", "af", "bf", "yf"}));
}

TEST_F(Search, WhatTheBudgetDoesNotAllowIsNotTried) {
  const CostModel model = costs(Scheme::named("w4a16"));
  const auto ranked = rank_promotions(noises({0, 1e-3, 0, 5e-3, 0, 1e-4}), model, {{"size", 0.3}});
  ASSERT_GE(ranked.size(), 2U);
  for (const auto& raise : ranked) EXPECT_NE(raise.unit.name, "b");
}

TEST_F(Search, NoRaiseWhereTheSchemeItselfReachesTheTarget) {
  const CostModel model = costs(Scheme::named("w8a8"));
  const auto rows = noises({1e-4, 0, 1e-4, 0, 1e-4, 0});
  const auto found = search_assignment(
      rank_promotions(rows, model, {}), {{"psnr", 35}}, [&](const auto& a) { return left(rows, a); }, Context());
  EXPECT_TRUE(found.reached);
  EXPECT_TRUE(found.assignment.empty());
  EXPECT_EQ(found.tried, 1);
}

TEST_F(Search, OnlyTheNoisyOnesAreRaised) {
  const CostModel model = costs(Scheme::named("w8a8"));
  const auto rows = noises({1e-6, 1e-7, 1e-2, 1e-7, 1e-6, 1e-7});
  const auto found = search_assignment(
      rank_promotions(rows, model, {}), {{"psnr", 50}}, [&](const auto& a) { return left(rows, a); }, Context());
  EXPECT_TRUE(found.reached);
  EXPECT_EQ(found.assignment.activations, (std::map<std::string, int>{{"a", 16}}));
  EXPECT_TRUE(found.assignment.weights.empty());
}

TEST_F(Search, FloatIsTheLastResort) {
  const CostModel model = costs(Scheme::named("w8a8"));
  const auto rows = noises({1e-6, 1e-7, 1e-6, 1e-2, 1e-6, 1e-7});
  const auto found = search_assignment(
      rank_promotions(rows, model, {}), {{"psnr", 50}}, [&](const auto& a) { return left(rows, a); }, Context());
  EXPECT_TRUE(found.reached);
  EXPECT_EQ(found.assignment.weights, (std::map<std::string, int>{{"b", float_bits}}));
  EXPECT_TRUE(found.assignment.activations.empty()) << "taken back";
}

TEST_F(Search, ANumberThatIsNoneReachesNothing) {
  const CostModel model = costs(Scheme::named("w8a8"));
  const auto rows = noises({1e-6, 1e-7, 1e-2, 1e-7, 1e-6, 1e-7});
  const auto judge = [&](const Assignment& assignment) {
    auto accuracy = left(rows, assignment);
    if (assignment.empty()) accuracy.psnr_db = std::nan("");
    return accuracy;
  };
  const auto found = search_assignment(rank_promotions(rows, model, {}), {{"psnr", 50}}, judge, Context());
  EXPECT_TRUE(found.reached);
  EXPECT_FALSE(found.assignment.empty());
}

TEST_F(Search, AnUnreachableTargetGivesTheNearest) {
  const CostModel model = costs(Scheme::named("w8a8"));
  const auto rows = noises({1e-3, 1e-4, 1e-3, 1e-4, 1e-3, 1e-4});
  const auto found = search_assignment(
      rank_promotions(rows, model, {{"latency", 0.6}}), {{"psnr", 80}}, [&](const auto& a) { return left(rows, a); }, Context());
  EXPECT_FALSE(found.reached);
  EXPECT_FALSE(found.assignment.empty());
  EXPECT_LE(model.of(found.assignment).latency, 0.6);
}

}  // namespace
}  // namespace quantize::test
