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

// A batch of matrices, of which each meets its own part of the input only.
TEST_F(Search, EveryValueOfAMatrixProductIsOneSumAlongTheInner) {
  model_ = text_model(R"(g (float[3,5,16] x) => (float[3,5,4] y) <float[3,16,8] w, float[8,4] v> {
    a = MatMul (x, w)
    y = MatMul (a, v)
  })");
  placement_ = place(model_, find_target("ort-cpu"));
  EXPECT_EQ(count_operations(model_, placement_, random_samples(model_)), (std::vector<double>{3 * 5 * 8 * 16, 3 * 5 * 4 * 8}));
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

// As if every raise left to be made were put into the assignment, one after the other, and the whole of it counted anew.
std::vector<std::string> ranked_from_scratch(std::vector<Promotion> open, const CostModel& model, double most_latency) {
  std::vector<std::string> names;
  Assignment assignment;
  for (const bool floats : {false, true}) {
    for (;;) {
      const Cost now = model.of(assignment);
      double most = -1;
      std::size_t best = open.size();
      Assignment after_best;
      for (std::size_t i = 0; i < open.size(); ++i) {
        if ((open[i].to == float_bits) != floats) continue;
        Assignment tried = assignment;
        (open[i].unit.kind == Unit::Kind::weights ? tried.weights : tried.activations)[open[i].unit.name] = open[i].to;
        const Cost after = model.of(tried);
        const double worth = open[i].noise / std::max(1e-3, after.size - now.size + after.latency - now.latency);
        if (after.latency > most_latency || worth <= most) continue;
        most = worth;
        best = i;
        after_best = tried;
      }
      if (best == open.size()) break;
      names.push_back(open[best].unit.name + std::to_string(open[best].to));
      assignment = after_best;
      open.erase(open.begin() + static_cast<std::ptrdiff_t>(best));
    }
  }
  return names;
}

TEST_F(Search, TheOrderIsThatOfCountingEveryCostAnew) {
  std::string weights, nodes, tensor = "x";
  for (int i = 0; i < 12; ++i) {
    const std::string n = std::to_string(i), from = std::to_string(4 + i % 5), to = std::to_string(4 + (i + 1) % 5);
    weights += (i > 0 ? ", float[" : "float[") + to + "," + from + ",1,1] w" + n;
    nodes += "c" + n + " = Conv (" + tensor + ", w" + n + ")\n";
    tensor = "c" + n;
  }
  model_ = text_model("g (float[1,4,8,8] x) => (float[1,6,8,8] y) <" + weights + "> {" + nodes + "y = Relu (" + tensor + ") }");
  for (const double most_latency : {10.0, 1.0, 0.7}) {
    for (const int bits : {4, 8}) {
      Scheme scheme = Scheme::named("w8a8");
      scheme.weight_bits = bits;
      const CostModel model = costs(scheme, {.bits8 = 0.55, .bits4 = 0.6, .wide = 0.9, .floating = 1});
      std::vector<double> noise;
      std::vector<Promotion> open;
      for (const auto& unit : units_of(model_, placement_, scheme_)) {
        const double own =
            std::pow(10, -2 - static_cast<double>(noise.size() * 37 % 11) / 3) * (1 + 0.01 * static_cast<double>(noise.size()));
        noise.push_back(own);
        const bool is_weight = unit.kind == Unit::Kind::weights;
        if (unit.bits == (is_weight ? 4 : 8)) open.push_back({unit, is_weight ? 8 : 16, own});
        if (is_weight) open.push_back({unit, float_bits, unit.bits == 4 ? own / 256 : own});
      }
      std::vector<std::string> names;
      for (const auto& raise : rank_promotions(noises(noise), model, {{"latency", most_latency}}))
        names.push_back(raise.unit.name + std::to_string(raise.to));
      EXPECT_EQ(names, ranked_from_scratch(open, model, most_latency)) << bits << " " << most_latency;
    }
  }
}

// The weight is stored once, with the most bits, and all of its readers compute with them.
TEST_F(Search, AWeightOfSeveralNodesIsOneUnitWithAllOfThem) {
  model_ = text_model(R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,1,1] w, float[4,4,1,1] u> {
    a = Conv (x, w)
    b = Conv (a, w)
    y = Conv (b, u)
  })");
  const CostModel model = costs(Scheme::named("w4a16"), {.bits8 = 0.5, .bits4 = 0.25, .wide = 1, .floating = 1});
  const auto units = units_of(model_, placement_, scheme_);
  std::vector<std::string> names;
  for (const auto& unit : units) {
    if (unit.kind == Unit::Kind::weights) names.push_back(unit.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"a", "y"}));
  const auto shared = std::ranges::find(units, "a", &Unit::name);
  EXPECT_EQ(shared->others, std::vector<std::string>{"b"});
  const Cost both = model.of({{{"a", 8}, {"b", 8}}, {}});
  for (const auto* reader : {"a", "b"}) {
    const Cost one = model.of({{{reader, 8}}, {}});
    EXPECT_DOUBLE_EQ(one.size, both.size) << reader;
    EXPECT_DOUBLE_EQ(one.latency, both.latency) << reader;
  }
  const auto rows = noises({0, 1e-2, 0, 0, 1e-7});
  const auto found = search_assignment(
      rank_promotions(rows, model, {}), {{"psnr", 50}}, [&](const auto& a) { return left(rows, a); }, Context());
  EXPECT_TRUE(found.reached);
  EXPECT_EQ(found.assignment.weights, (std::map<std::string, int>{{"a", 8}, {"b", 8}}));
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

// Only with b float is the target reached, and where b is ranked last that is tried with all nodes float first.
TEST_F(Search, LeavingNothingQuantizedIsNoResultButAWayToOne) {
  const CostModel model = costs(Scheme::named("w8a8"));
  const auto rows = noises({1e-9, 1e-4, 1e-9, 8e-4, 1e-9, 1e-4});
  const auto ranked = rank_promotions(rows, model, {});
  ASSERT_EQ(ranked.back().unit.name, "b");
  const auto judge = [&](const Assignment& assignment) {
    const auto is_float = [](const auto& given) { return given.second == float_bits; };
    return Trial(left(rows, assignment), std::ranges::count_if(assignment.weights, is_float) < 3);
  };
  const auto found = search_assignment(ranked, {{"psnr", 36}}, judge, Context());
  EXPECT_TRUE(found.reached);
  EXPECT_EQ(found.assignment.weights, (std::map<std::string, int>{{"b", float_bits}}));
  const auto nearest = search_assignment(ranked, {{"psnr", 60}}, judge, Context());
  EXPECT_FALSE(nearest.reached);
  EXPECT_EQ(nearest.assignment.weights, (std::map<std::string, int>{{"b", float_bits}, {"y", float_bits}}));
  EXPECT_EQ(nearest.accuracy.psnr_db, left(rows, nearest.assignment).psnr_db);
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
