#include "encode/convergence.h"

#include <gtest/gtest.h>

#include "plan_fixture.h"

namespace quantize::test {
namespace {

constexpr const char* graph = R"(g (float[1,2,4,4] x) => (float[1,2,4,4] y) <float[2,2,1,1] w, float[2,2,1,1] v> {
  a = Conv (x, w)
  r = Relu (a)
  y = Conv (r, v)
})";

// Twenty samples; the last `loud` of them ten times larger.
Calibration calibrated(const Model& model, const Placement& placement, std::size_t loud, unsigned threads = 1) {
  const auto load = [&](std::size_t i) {
    auto inputs = random_inputs(model.proto, static_cast<std::uint32_t>(i + 1));
    for (float& value : inputs[0].as<float>()) value *= i + loud >= 20 ? 10.0F : 1.0F;
    return inputs;
  };
  Context context;
  context.threads = threads;
  return calibrate_and_compare(model, placement.observed(), load, 20, context);
}

TEST(Convergence, SettledRangesAreNotReported) {
  const Model model = text_model(graph);
  const auto placement = place(model, find_target("ort-cpu"));
  Context context;
  warn_unsettled(placement, calibrated(model, placement, 0), scheme_named("w8a8"), context);
  EXPECT_TRUE(context.warnings().empty()) << context.warnings()[0];
}

TEST(Convergence, TensorsThatTheLastTenthMovesAreNamed) {
  const Model model = text_model(graph);
  const auto placement = place(model, find_target("ort-cpu"));
  Context context;
  const auto calibration = calibrated(model, placement, 2);
  warn_unsettled(placement, calibration, scheme_named("w8a8"), context);
  ASSERT_EQ(context.warnings().size(), 1U);
  EXPECT_NE(context.warnings()[0].find("2 of 2 tensors"), std::string::npos) << context.warnings()[0];
  EXPECT_NE(context.warnings()[0].find("'x'"), std::string::npos);
  EXPECT_NE(context.warnings()[0].find("'r'"), std::string::npos);
  const auto unsettled = unsettled_ranges(placement, calibration, scheme_named("w8a8"));
  ASSERT_EQ(unsettled.size(), 2U);
  EXPECT_NEAR(unsettled[0].after.high / unsettled[0].before.high, 10, 1);
}

TEST(Convergence, IsTheSameForAnyNumberOfThreads) {
  const Model model = text_model(graph);
  const auto placement = place(model, find_target("ort-cpu"));
  const auto one = unsettled_ranges(placement, calibrated(model, placement, 1), scheme_named("w8a8"));
  const auto three = unsettled_ranges(placement, calibrated(model, placement, 1, 3), scheme_named("w8a8"));
  ASSERT_EQ(one.size(), three.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].tensor, three[i].tensor);
    EXPECT_EQ(one[i].moved, three[i].moved);
  }
}

TEST(Convergence, AllOfCalibrationIsTheSumOfItsParts) {
  const Model model = text_model(graph);
  const auto placement = place(model, find_target("ort-cpu"));
  const auto whole = observe_all(model, placement.observed(), 20);
  const auto parts = calibrate_and_compare(model, placement.observed(), random_samples(model), 20, Context());
  for (const auto& [name, statistics] : whole) {
    EXPECT_EQ(statistics.count, parts.all.at(name).count);
    EXPECT_EQ(statistics.min, parts.all.at(name).min);
    EXPECT_EQ(statistics.max, parts.all.at(name).max);
    const auto expected = statistics.histogram.counts(), actual = parts.all.at(name).histogram.counts();
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), actual.begin(), actual.end())) << name;
  }
}

TEST(Convergence, FewSamplesAreNotJudged) {
  const Model model = text_model(graph);
  const auto placement = place(model, find_target("ort-cpu"));
  EXPECT_TRUE(calibrate_and_compare(model, placement.observed(), random_samples(model), 9, Context()).before_last_tenth.empty());
}

}  // namespace
}  // namespace quantize::test
