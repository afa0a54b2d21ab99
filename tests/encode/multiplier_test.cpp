#include "encode/multiplier.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/edit.h"
#include "optimize/optimize.h"
#include "plan_fixture.h"

namespace quantize::test {
namespace {

TEST(ScaleRule, WithoutARuleEveryScaleIsAllowed) {
  EXPECT_EQ(ScaleRule{}.nearest(0.3), 0.3F);
  EXPECT_EQ(ScaleRule{}.at_least(0.3), 0.3F);
  EXPECT_EQ(ScaleRule{.least = 0.5F}.nearest(0.3), 0.5F);
}

TEST(ScaleRule, PowersOfTwo) {
  const ScaleRule rule{.to_multiplier = 0.5, .bits = 1};  // scale * 0.5 is a power of two
  EXPECT_EQ(rule.at_least(0.3), 0.5F);
  EXPECT_EQ(rule.nearest(0.3), 0.25F);  // 0.15 is nearer to 0.125 than to 0.25
  EXPECT_EQ(rule.nearest(0.4), 0.5F);
  EXPECT_EQ(rule.at_least(0.25), 0.25F) << "allowed already";
  EXPECT_EQ((ScaleRule{.least = 0.26F, .to_multiplier = 0.5, .bits = 1}.nearest(0.2)), 0.5F) << "the least one is kept to";
}

TEST(ScaleRule, TenSignificantBits) {
  const ScaleRule rule{.to_multiplier = 3.7e-5, .bits = 10};
  for (const double scale : {0.0123, 1.9e-7, 0.97, 44.0}) {
    for (const float allowed : {rule.nearest(scale), rule.at_least(scale)}) {
      int exponent = 0;
      const double mantissa = std::frexp(allowed * rule.to_multiplier, &exponent) * 1024;
      EXPECT_NEAR(mantissa, std::nearbyint(mantissa), 1e-3);
      EXPECT_NEAR(allowed, scale, scale / 512);
      EXPECT_EQ(rule.at_least(allowed), allowed) << "what is allowed stays";
      EXPECT_EQ(rule.nearest(allowed), allowed);
    }
    EXPECT_GE(rule.at_least(scale), static_cast<float>(scale));
  }
}

TEST(DroppedByte, TheBiasIsAMultipleOf256ThatMakesUpForHalfOfOne) {
  EXPECT_EQ(bias_for_dropped_byte(0), 0);
  EXPECT_EQ(bias_for_dropped_byte(1), 256);
  EXPECT_EQ(bias_for_dropped_byte(-300), -256);  // nearest to -172.5
  EXPECT_EQ(bias_for_dropped_byte(1000), 1024);  // nearest to 1127.5
}

// Two convolutions, the first through a Relu that its result's encoding stands for; made for a target with short multipliers.
class ShortMultipliers : public ::testing::TestWithParam<std::pair<const char*, int>> {
 protected:
  static Plan planned(const Scheme& scheme) {
    Plan plan;
    plan.model = text_model_for(scheme, R"(g (float[1,4,8,8] x) => (float[1,3,8,8] y) <float[6,4,3,3] w, float[3,6,1,1] u> {
      c = Conv <pads = [1,1,1,1]> (x, w)
      r = Relu (c)
      y = Conv (r, u)
    })");
    plan.placement = place(plan.model, find_target("qnn"));
    Context context;
    plan.encodings = encode(plan.model, plan.placement, observe_all(plan.model, plan.placement.observed()), scheme, context);
    return plan;
  }

  static void expect_short(const Plan& plan, int bits) {
    const auto& scales = plan.encodings.activations;
    const auto check = [&](const char* weight, const char* input, const char* result) {
      for (const float scale : plan.encodings.weights.at(weight).scale) {
        int exponent = 0;
        const double multiplier = static_cast<double>(scale) * scales.at(input).scale[0] / scales.at(result).scale[0];
        const double mantissa = std::frexp(multiplier, &exponent) * std::ldexp(1.0, bits);
        EXPECT_NEAR(mantissa, std::nearbyint(mantissa), 1e-3) << weight;
      }
    };
    check("w", "x", "r");
    check("u", "r", "y");
  }
};

TEST_P(ShortMultipliers, AreThatOfPlainEncodingsAndOfFittedOnes) {
  const auto [name, bits] = GetParam();
  Plan plan = planned(scheme_named(name));
  expect_short(plan, bits);
  const Model prepared = plan.model;
  const OptimizeInput input{
      scheme_named(name), [&](std::size_t i) { return random_inputs(prepared.proto, static_cast<std::uint32_t>(i)); }, 8, 0, {}};
  const auto statistics = observe_all(plan.model, plan.placement.observed());
  Context context;
  optimize_after_encoding(plan, statistics, input, Level::o2, context);
  expect_short(plan, bits);
}

INSTANTIATE_TEST_SUITE_P(Schemes, ShortMultipliers,
                         ::testing::Values(std::pair{"w8a8", 1}, std::pair{"w8a16", 10}, std::pair{"w4a16", 10}));

}  // namespace
}  // namespace quantize::test
