// Moments of a layer's input in a network that is the same on both sides, against plain sums.
#include "optimize/moments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "encode/plan_fixture.h"

namespace quantize::test {
namespace {

class Moments : public testing::Test {
 protected:
  // Of a 1 x 1 convolution with a bias, the second node, which reads `p`.
  LayerMoments measured(const char* graph, std::size_t samples) {
    model_ = text_model(graph);
    placement_ = place(model_, find_target("ort-cpu"));
    replay_.emplace(model_.proto, random_samples(model_), samples, context_);
    replay_->advance_to(1);
    const ColumnView view(model_.graph().node(1), placement_.weighted.at(0).op, shape_of(initializer_of(model_, "w")));
    return measure_moments(view, column_blocks(view, 100), {*replay_, *replay_, "p", "p"}, 1000, true, 1, context_);
  }
  // One channel's mean over samples, and one sample's value.
  double mean(std::size_t channel, std::size_t samples, std::size_t first = 0) const {
    double sum = 0;
    for (std::size_t i = first; i < first + samples; ++i) {
      for (std::size_t at = 0; at < plane(); ++at) sum += value(i, channel, at);
    }
    return sum / static_cast<double>(samples * plane());
  }
  double value(std::size_t sample, std::size_t channel, std::size_t at) const {
    return static_cast<double>(replay_->value(sample, "p").as<float>()[channel * plane() + at]);
  }
  std::size_t plane() const { return static_cast<std::size_t>(replay_->value(0, "p").size()) / 6; }

  static constexpr const char* pooled = R"(g (float[1,6,4,4] x) => (float[1,2,1,1] y) <float[2,6,1,1] w, float[2] b> {
    p = GlobalAveragePool (x)
    y = Conv (p, w, b)
  })";
  static constexpr const char* whole = R"(g (float[1,6,4,4] x) => (float[1,2,4,4] y) <float[2,6,1,1] w, float[2] b> {
    p = Relu (x)
    y = Conv (p, w, b)
  })";
  Context context_;
  Model model_;
  Placement placement_;
  std::optional<Replay> replay_;
};

// A layer on pooled features has one position in a sample: less its own mean nothing would be left to judge by.
TEST_F(Moments, OneHeldOutColumnIsJudgedFromTheMeanOfTheOthers) {
  const auto moments = measured(pooled, 8);
  EXPECT_EQ(moments.columns, 7U);
  ASSERT_EQ(moments.check_columns.size(), 1U);
  ASSERT_EQ(moments.check_columns[0].count, 1U);
  for (std::size_t k = 0; k < 6; ++k) EXPECT_NEAR(moments.check_columns[0].q[k], value(7, k, 0) - mean(k, 7), 1e-5);
}

TEST_F(Moments, ManyHeldOutColumnsAreKeptAsMoments) {
  const auto moments = measured(whole, 4);
  EXPECT_EQ(moments.columns, 3 * 16U);
  ASSERT_EQ(moments.check.size(), 1U);
  for (std::size_t r = 0; r < 6; ++r) {
    for (std::size_t c = 0; c < 6; ++c) {
      double held_out = 0, fitted = 0;
      for (std::size_t at = 0; at < 16; ++at) {
        held_out += (value(3, r, at) - mean(r, 1, 3)) * (value(3, c, at) - mean(c, 1, 3)) / 16;
        for (std::size_t i = 0; i < 3; ++i) fitted += (value(i, r, at) - mean(r, 3)) * (value(i, c, at) - mean(c, 3)) / 48;
      }
      EXPECT_NEAR(moments.check[0].h(r, c), held_out, 1e-5);
      EXPECT_NEAR(moments.check[0].hx(r, c), held_out, 1e-5);
      EXPECT_NEAR(moments.fit[0].h(r, c), fitted, 1e-5);
    }
  }
}

// Squares of them are beyond what floats hold, or below it.
TEST_F(Moments, OfVeryLargeAndVerySmallInputsAreThoseOfOthersScaled) {
  const auto scaled = [](const char* factor) {
    return "g (float[1,6,4,4] x) => (float[1,2,4,4] y) <float f = {" + std::string(factor) +
           "}, float[2,6,1,1] w, float[2] b> { p = Mul (x, f)  y = Conv (p, w, b) }";
  };
  const auto usual = measured(scaled("1").c_str(), 4);
  for (const auto& [factor, power] : {std::pair("1.329227995784916e36", 120), std::pair("7.52316384526264e-37", -120)}) {
    const auto moments = measured(scaled(factor).c_str(), 4);
    for (std::size_t i = 0; i < 36; ++i) {
      EXPECT_NEAR(std::ldexp(moments.fit[0].h.values[i], -2 * power), usual.fit[0].h.values[i], 1e-5) << factor << " " << i;
      EXPECT_NEAR(std::ldexp(moments.check[0].hx.values[i], -2 * power), usual.check[0].hx.values[i], 1e-5) << factor << " " << i;
    }
    for (std::size_t k = 0; k < 6; ++k)
      EXPECT_NEAR(std::ldexp(moments.fit[0].mean_q[k], -power), usual.fit[0].mean_q[k], 1e-5) << factor << " " << k;
  }
}

TEST_F(Moments, OfTooFewSamplesPositionsAreHeldOut) {
  const auto moments = measured(whole, 3);
  EXPECT_EQ(moments.columns, 3 * 14U);
  ASSERT_EQ(moments.check_columns.size(), 1U);
  ASSERT_EQ(moments.check_columns[0].count, 6U);
  EXPECT_NEAR(moments.check_columns[0].q[6 + 2], value(0, 2, 13) - moments.fit[0].mean_q[2], 1e-5);
  EXPECT_TRUE(measured(pooled, 3).check_columns.empty());
}

}  // namespace
}  // namespace quantize::test
