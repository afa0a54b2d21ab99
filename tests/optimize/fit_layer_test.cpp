// The steps of fitting one layer against golden values from plain numpy (make_golden.py), then the whole.
#include "optimize/fit_layer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <numeric>

namespace quantize {
namespace {

std::map<std::string, Matrix> read_golden() {
  std::ifstream stream(QUANTIZE_SOURCE_DIR "/tests/optimize/golden/rounding.txt");
  std::map<std::string, Matrix> blocks;
  std::string name;
  std::size_t rows = 0, cols = 0;
  while (stream >> name >> rows >> cols) {
    Matrix block(rows, cols);
    for (auto& value : block.values) stream >> value;
    blocks[name] = block;
  }
  return blocks;
}

class Golden : public testing::Test {
 protected:
  const Matrix& at(const std::string& name) const { return golden_.at(name); }
  std::vector<Grid> grids() const {
    std::vector<Grid> grids;
    for (const double scale : at("scale").values) grids.push_back({scale, -8, 7});
    return grids;
  }
  void expect_near(const Matrix& actual, const std::string& name) const {
    for (std::size_t i = 0; i < actual.values.size(); ++i) EXPECT_NEAR(actual.values[i], at(name).values[i], 1e-9) << name << " " << i;
  }
  GroupMoments moments() const {
    const std::vector<double> none(at("gram").rows, 0.0);
    return {at("gram"), at("cross"), none, none};
  }
  // E|w x_fp - q x_q|^2 over all rows, up to a constant.
  double error_of(const Matrix& q) const {
    double error = 0;
    for (std::size_t r = 0; r < q.rows; ++r) {
      for (std::size_t i = 0; i < q.cols; ++i) {
        for (std::size_t j = 0; j < q.cols; ++j)
          error += q(r, i) * at("gram")(i, j) * q(r, j) - 2 * at("weights")(r, i) * at("cross")(i, j) * q(r, j);
      }
    }
    return error;
  }
  std::map<std::string, Matrix> golden_ = read_golden();
  const FitSettings four_bits_{.low = -8, .high = 7};
};

TEST_F(Golden, Target) {
  for (const auto* math : linalg_variants()) {
    Matrix target(at("weights").rows, at("weights").cols);
    ASSERT_TRUE(math->solve_target(at("weights"), at("gram"), at("cross"), at("damping").values[0], target));
    expect_near(target, "target");
  }
}

TEST_F(Golden, Scales) {
  std::vector<double> importance;
  for (std::size_t i = 0; i < at("gram").rows; ++i) importance.push_back(at("gram")(i, i));
  const auto scales = search_scales(at("target"), importance, four_bits_, std::vector<float>(at("target").rows, 0.0F));
  for (std::size_t r = 0; r < scales.size(); ++r) EXPECT_FLOAT_EQ(scales[r], static_cast<float>(at("scale").values[r]));
}

TEST_F(Golden, GptqAndDescent) {
  for (const auto* math : linalg_variants()) {
    Matrix factor(at("gram").rows, at("gram").cols), q(at("target").rows, at("target").cols);
    ASSERT_TRUE(math->inverse_factor(at("gram"), at("damping").values[0], factor));
    math->gptq(at("target"), factor, grids(), q);
    expect_near(q, "gptq");
    math->descend(at("target"), at("gram"), grids(), 2, q);
    expect_near(q, "descended");
  }
}

TEST_F(Golden, FittingBeatsNearestRounding) {
  const Matrix& weights = at("weights");
  std::vector<float> scale;
  for (std::size_t r = 0; r < weights.rows; ++r) {
    double largest = 0;
    for (const double w : weights.row(r)) largest = std::max(largest, std::fabs(w));
    scale.push_back(static_cast<float>(largest / 7));
  }
  const std::vector<float> none(weights.rows, 0.0F);
  const auto fitted = fit_group(weights, moments(), moments(), scale, none, four_bits_, Context());
  std::vector<Grid> plain, own;
  for (const float s : scale) plain.push_back({s, -8, 7});
  for (const float s : fitted.scale) own.push_back({s, -8, 7});
  const double before = error_of(round_to_grid(weights, plain)), after = error_of(fitted.weights);
  EXPECT_LT(after, before);
  EXPECT_LE(after, error_of(at("descended")) + 1e-9);
  const Matrix again = round_to_grid(fitted.weights, own);  // on the grid already
  for (std::size_t i = 0; i < again.values.size(); ++i) EXPECT_NEAR(again.values[i], fitted.weights.values[i], 1e-9);

  Context four;
  four.threads = 4;
  EXPECT_EQ(fit_group(weights, moments(), moments(), scale, none, four_bits_, four).weights.values, fitted.weights.values);
}

TEST_F(Golden, FixedScalesStay) {
  FitSettings fixed = four_bits_;
  fixed.search_scale = false;
  const std::vector<float> scale(at("weights").rows, 0.4F), none(scale.size(), 0.0F);
  EXPECT_EQ(fit_group(at("weights"), moments(), moments(), scale, none, fixed, Context()).scale, scale);
}

TEST_F(Golden, EachRowKeepsToItsOwnIntegers) {
  const std::vector<float> none(at("weights").rows, 0.0F), scale(none.size(), 0.4F);
  FitSettings settings;
  for (std::size_t r = 0; r < none.size(); ++r) settings.largest.push_back(r % 2 == 0 ? 63 : 127);
  const auto fitted = fit_group(at("weights"), moments(), moments(), scale, none, settings, Context());
  for (std::size_t r = 0; r < none.size(); ++r) {
    double most = 0;
    for (const double w : fitted.weights.row(r)) most = std::max(most, std::fabs(w) / fitted.scale[r]);
    EXPECT_LE(most, settings.largest[r] + 1e-6);
    EXPECT_GT(most, settings.largest[r] / 2.0) << "the scale follows the range";
  }
}

TEST_F(Golden, AnInputThatIsAlwaysZeroLeavesNearestRounding) {
  GroupMoments dead = moments();
  dead.h = dead.hx = Matrix(dead.h.rows, dead.h.cols);
  const std::vector<float> scale(at("weights").rows, 0.4F), none(scale.size(), 0.0F);
  const auto fitted = fit_group(at("weights"), dead, dead, scale, none, four_bits_, Context());
  EXPECT_EQ(fitted.scale, scale);
  EXPECT_EQ(fitted.weights.values, round_to_grid(at("weights"), std::vector<Grid>(scale.size(), {0.4F, -8, 7})).values);
}

TEST(SearchScales, TheFloorIsKept) {
  const Matrix weights = [] {
    Matrix w(1, 2);
    w.values = {1.0, -0.5};
    return w;
  }();
  const std::vector<double> importance = {1, 1};
  EXPECT_LT(search_scales(weights, importance, {}, {0.0F})[0], 0.0085F);
  EXPECT_EQ(search_scales(weights, importance, {}, {0.25F})[0], 0.25F);
}

}  // namespace
}  // namespace quantize
