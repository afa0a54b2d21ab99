#include "optimize/fit_step.h"

#include <gtest/gtest.h>

#include "encode/plan_fixture.h"

namespace quantize::test {
namespace {

// Of the input, what lies above 1 is cut off: 5 % of the values, all of them 100. They are the mean error of `a`, and every Relu behind
// ends them.
class FitStep : public testing::Test {
 protected:
  FitStep() {
    const auto planned = plan_graph(model_, scheme_);
    plan_ = {planned.prepared, planned.placement, planned.encodings};
    auto& cut = plan_.encodings.activations.at("x");
    cut.scale = {1.0F / 65535};
    cut.zero_point = {0};
    input_ = {scheme_, {}, 8, 1};
    input_.load = [](std::size_t sample) {
      std::vector<float> values(256);
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = i % 20 == 7 ? 100 : static_cast<float>((i * 37 + sample * 11) % 101) / 101;
      }
      return std::vector<Tensor>{Tensor::of({1, 1, 16, 16}, values)};
    };
  }

  Step fit(const FitEffort& effort) {
    const Context context;
    return try_fitting(plan_, input_, Judge(model_, input_, context), effort, context);
  }

  const Scheme scheme_ = scheme_named("w4a16");
  const Model model_ = text_model(R"(g (float[1,1,16,16] x) => (float[1,3,16,16] y)
      <float[4,1,1,1] w = {-1, -1, -1, -1}, float[4] b = {0.4, 0.6, 0.8, 1}, float[3,4,1,1] v, float[3] c> {
    a = Conv (x, w, b)
    r = Relu (a)
    y = Conv (r, v, c)
  })",
                                  21);
  Plan plan_;
  OptimizeInput input_;
  FitEffort effort_{.samples = 8, .least_columns = 1000, .columns_per_weight = 16, .dampings = {0.1}, .sweeps = 2};
};

TEST_F(FitStep, WhereTheBiasCorrectionRuinsANetworkTheWeightsAloneAreFitted) {
  effort_.methods.target = false;
  const Step step = fit(effort_);
  EXPECT_NE(step.outcome.find("without bias correction"), std::string::npos) << step.outcome;
  EXPECT_EQ(step.outcome.find("not kept"), std::string::npos) << step.outcome;
  EXPECT_GT(step.sqnr_after_db, step.sqnr_before_db);
  EXPECT_EQ(float_values(initializer_of(plan_.model, "b")), (std::vector<float>{0.4F, 0.6F, 0.8F, 1}));
}

TEST_F(FitStep, LearnedRoundingIsComparedWithTheClosedForm) {
  effort_.methods.target = false;
  effort_.methods.learned = 20;
  effort_.correct_bias = false;
  const Step step = fit(effort_);
  EXPECT_NE(step.outcome.find("; learned rounding SQNR"), std::string::npos) << step.outcome;
  EXPECT_GT(step.sqnr_after_db, step.sqnr_before_db);
}

TEST_F(FitStep, OfSeveralDrawsTheBestIsKept) {
  const Plan before = plan_;
  effort_.methods.target = false;
  effort_.correct_bias = false;
  effort_.least_columns = 24;  // so few that draws differ
  effort_.columns_per_weight = 1;
  const double one = fit(effort_).sqnr_after_db.value();
  plan_ = before;
  effort_.draws = 6;
  const Step step = fit(effort_);
  EXPECT_NE(step.outcome.find("; the best of 6 draws, which have from "), std::string::npos) << step.outcome;
  EXPECT_GE(step.sqnr_after_db, one);
  const std::string best = serialize(plan_.model.proto);
  plan_ = before;
  fit(effort_);
  EXPECT_EQ(serialize(plan_.model.proto), best) << "the same draws each time";
}

TEST_F(FitStep, WhatOnlyHarmsIsNotKept) {
  effort_.methods = {.target = true, .scale = false, .gptq = false, .descent = false};
  const std::string before = serialize(plan_.model.proto);
  const Step step = fit(effort_);
  EXPECT_NE(step.outcome.find("not kept"), std::string::npos) << step.outcome;
  EXPECT_EQ(serialize(plan_.model.proto), before);
}

}  // namespace
}  // namespace quantize::test
