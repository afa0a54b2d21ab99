#include "pipeline/measured_placement.h"

#include <gtest/gtest.h>

#include "encode/plan_fixture.h"

namespace quantize::test {
namespace {

constexpr const char* upsampled =
    R"(g (float[1,8,16,16] x) => (float[1,8,32,32] y) <float[8,8,3,3] w, float[8,8,1,1] v, float[8,8,1,1] u, float[4] s = {1,1,2,2}> {
    a = Conv <pads = [1,1,1,1]> (x, w)
    g = Sigmoid (a)
    r = Resize <mode = "linear"> (g, , s)
    c = Conv (r, v)
    y = Conv (c, u)
  })";

std::vector<PlacementTrial> choose(const Model& model, Target& target, Context& context) {
  const OptimizeInput samples{scheme_named("w8a8"), random_samples(model), 4};
  const auto timed = random_samples(model)(0);
  return choose_placement(target, {model, {}, samples, timed}, context);
}

TEST(ChoosePlacement, TriesEachOperatorThatCouldGoEitherWayOnce) {
  const Model model = text_model(upsampled);
  Target target = find_target("ort-cpu");
  auto expected = target.float_operators;  // changed by what is kept, and by nothing else
  Context context;
  const auto trials = choose(model, target, context);
  ASSERT_EQ(trials.size(), 2U);
  EXPECT_EQ(trials[0].what, "Resize:linear quantized");
  EXPECT_EQ(trials[1].what, "Sigmoid left float");
  if (trials[0].kept) expected.erase("Resize:linear");
  if (trials[1].kept) expected.insert("Sigmoid");
  EXPECT_EQ(target.float_operators, expected);
  for (const auto& trial : trials) {
    EXPECT_EQ(trial.nodes, 1);
    EXPECT_GT(trial.before_ms, 0);
    if (trial.kept) {
      EXPECT_LE(trial.after_ms, (1 - least_gain) * trial.before_ms);
    }
  }
}

TEST(ChoosePlacement, HasNothingToTryInAPlainNetwork) {
  const Model model = text_model(residual_graph);
  Target target = find_target("ort-cpu");
  Context context;
  EXPECT_TRUE(choose(model, target, context).empty());
  EXPECT_EQ(target.float_operators, find_target("ort-cpu").float_operators);
}

}  // namespace
}  // namespace quantize::test
