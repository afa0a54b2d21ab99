#include "optimize/error_gain.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/text_model.h"

namespace quantize::test {
namespace {

// The gain behind `t`, the output of a convolution, in a graph that goes on as given.
std::function<double(double, double)> gain_behind(const std::string& rest) {
  const Model model = text_model(
      "g (float[1,2,4,4] x) => (float[1,2,4,4] y) <float[2,2,1,1] w, float[2,1,1] slopes = {0.5, 0.1}, float[4] sizes = {1, 1, 2, 2}> {"
      " t = Conv (x, w) " +
      rest + " }");
  return error_gain("t", GraphIndex(model.graph()));
}

TEST(ErrorGain, OfSmallErrorsIsTheSquaredSlope) {
  constexpr double small = 1e-4;
  const auto sigmoid = gain_behind("y = Sigmoid (t)");
  EXPECT_NEAR(sigmoid(0, small), 1, 1e-6);
  const double at_one = 1 / (1 + std::exp(-1.0));
  EXPECT_NEAR(sigmoid(1, small), std::pow(4 * at_one * (1 - at_one), 2), 1e-6);
  EXPECT_NEAR(sigmoid(1, small), sigmoid(-1, small), 1e-9);
  const auto swish = gain_behind("y = HardSwish (t)");  // slopes from -1/2 to 3/2, the steepest
  EXPECT_NEAR(swish(0, small), 1.0 / 9, 1e-6);
  EXPECT_NEAR(swish(5, small), 4.0 / 9, 1e-6);
  EXPECT_NEAR(gain_behind("y = Relu (t)")(1, small), 1, 1e-6);
  const auto prelu = gain_behind("y = PRelu (t, slopes)");
  EXPECT_NEAR(prelu(-1, small), (0.25 + 0.01) / 2, 1e-6);
  EXPECT_NEAR(prelu(1, small), 1, 1e-6);
  EXPECT_NEAR(gain_behind("y = Tanh (t)")(0, small), 1, 1e-6);
}

TEST(ErrorGain, OfLargeErrorsIsWhatIsLeftOfThem) {
  const auto relu = gain_behind("y = Relu (t)");
  EXPECT_NEAR(relu(0, 2), 0.25, 1e-12) << "half of the way from -2 to 2";
  EXPECT_NEAR(relu(-1, 2), 1.0 / 16, 1e-12) << "cut off in one network, not in the other";
  const auto sigmoid = gain_behind("y = Sigmoid (t)");
  EXPECT_GT(sigmoid(6, 8), sigmoid(6, 1));
}

TEST(ErrorGain, IsNeverNothing) {
  for (const char* rest : {"y = Sigmoid (t)", "y = Tanh (t)", "y = HardSwish (t)", "y = HardSigmoid (t)", "y = Relu (t)"}) {
    EXPECT_DOUBLE_EQ(gain_behind(rest)(-400, 1), 0.03) << rest;
  }
}

TEST(ErrorGain, LooksBehindWhatMovesValues) {
  const auto gain = gain_behind("m = Transpose <perm = [0,2,3,1]> (t)  s = Sigmoid (m)  y = Transpose <perm = [0,3,1,2]> (s)");
  EXPECT_NEAR(gain(0, 1e-4), 1, 1e-6);
}

// As saliency networks end: what is interpolated varies slowly.
TEST(ErrorGain, LooksBehindALinearResize) {
  const auto gain = gain_behind("z = Resize <mode = \"linear\"> (t, , sizes)  y = Sigmoid (z)");
  ASSERT_TRUE(gain);
  EXPECT_NEAR(gain(0, 1e-4), 1, 1e-6);
  EXPECT_LT(gain(5, 1e-4), 0.1);
  EXPECT_FALSE(gain_behind("z = Resize <mode = \"cubic\"> (t, , sizes)  y = Sigmoid (z)"));
}

TEST(ErrorGain, NoneWhereErrorsCountAlike) {
  EXPECT_FALSE(gain_behind("y = Conv (t, w)"));
  EXPECT_FALSE(gain_behind("s = Sigmoid (t)  y = Mul (s, t)")) << "two readers";
  EXPECT_FALSE(gain_behind("y = Add (t, t)"));
}

TEST(OutputGain, OfALayersOwnOutputsAndTheirErrors) {
  std::vector<std::pair<double, double>> asked;
  OutputGain gain{[&](double value, double error) {
                    asked.emplace_back(value, error);
                    return value < 0 ? 0.04 : 1;
                  },
                  Matrix(2, 2),
                  {0.5F, -1},
                  {0.6F}};
  gain.weights.values = {1, 0, 0, 1};
  const std::vector<float> fp = {1, 2, -1, 2, -1, 0}, q = {1, 2, -1, 6, -1, 0};
  const auto roots = gain.roots(fp, q, 3);
  ASSERT_EQ(roots.size(), 3U);
  EXPECT_FLOAT_EQ(roots[0], 1);
  EXPECT_FLOAT_EQ(roots[1], std::sqrt(0.52F));
  EXPECT_FLOAT_EQ(roots[2], 0.2F);
  EXPECT_NEAR(asked[0].first, 1.5, 1e-6);
  EXPECT_NEAR(asked[0].second, std::sqrt(5 * 0.36 / 12), 1e-6) << "of rounding alone";
  EXPECT_NEAR(asked[3].first, 1, 1e-6);
  EXPECT_NEAR(asked[3].second, std::sqrt(16 + 37 * 0.36 / 12), 1e-6) << "the input moved by 4, too";
}

}  // namespace
}  // namespace quantize::test
