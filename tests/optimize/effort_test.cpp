#include "optimize/effort.h"

#include <gtest/gtest.h>

#include "encode/plan_fixture.h"

namespace quantize::test {
namespace {

constexpr std::size_t megabyte = std::size_t{1} << 20;

// Its output takes a megabyte for each sample.
class EffortOf : public testing::Test {
 protected:
  EffortOf() {
    plan_.model = text_model(R"(g (float[1,4,256,256] x) => (float[1,4,256,256] y) <float[4,4,1,1] w> { y = Conv (x, w) })");
    plan_.placement = place(plan_.model, find_target("ort-cpu"));
  }

  [[nodiscard]] static OptimizeInput input(const char* scheme) { return {.scheme = scheme_named(scheme), .load = {}, .samples = 100}; }

  [[nodiscard]] FitEffort fit_with(const char* scheme, std::size_t working_memory, Level level = Level::o3) const {
    Context context;
    context.working_memory = working_memory;
    return effort_of(plan_, input(scheme), level, context).fit;
  }

  Plan plan_;
};

TEST_F(EffortOf, SmallNetworksHaveSeveralDrawsWhereWeightsDecide) {
  EXPECT_EQ(fit_with("w4a16", 1000 * megabyte).draws, 4);
  EXPECT_EQ(fit_with("w4a16", 1000 * megabyte).draws_judged, 16U);
  EXPECT_EQ(fit_with("w8a8", 1000 * megabyte).draws, 1) << "the noise of activations exceeds what draws differ by";
  EXPECT_EQ(fit_with("w4a16", 1000 * megabyte, Level::o2).draws, 1);
}

// Twelve samples judge every step and once more the draws: half of the memory holds those 24 and what else fits.
TEST_F(EffortOf, DrawsAreJudgedByWhatFitsIntoMemory) {
  EXPECT_EQ(fit_with("w4a16", 60 * megabyte).draws_judged, 6U);
  EXPECT_EQ(fit_with("w4a16", 60 * megabyte).draws, 4);
  EXPECT_EQ(fit_with("w4a16", 48 * megabyte).draws, 1);
}

TEST_F(EffortOf, WhatDrawsAreJudgedByIsInTheEstimate) {
  Context context;
  context.working_memory = 1000 * megabyte;
  const auto bytes = [&](Level level) { return optimize_bytes(plan_, input("w4a16"), level, context); };
  EXPECT_GE(bytes(Level::o3), bytes(Level::o2) + 28 * megabyte);
}

}  // namespace
}  // namespace quantize::test
