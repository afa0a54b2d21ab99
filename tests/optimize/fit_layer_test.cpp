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
  const FitSettings four_bits_ = {};
  // Four bits, one scale per row.
  static std::vector<Grid> four_bit_grids(std::span<const float> scale) {
    std::vector<Grid> grids;
    for (const float s : scale) grids.push_back({s, -8, 7});
    return grids;
  }
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
  const std::vector<ScaleRule> free(at("target").rows);
  const auto found = search_grids(at("target"), importance, grids(), free, 0, false, Context{});
  for (std::size_t r = 0; r < free.size(); ++r) EXPECT_FLOAT_EQ(found.scale[r], static_cast<float>(at("scale").values[r]));
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
  const std::vector<ScaleRule> none(weights.rows);
  const GroupMoments known = moments();
  const auto fitted = fit_group(weights, known, row_judge(weights, known, Context()), four_bit_grids(scale), none, four_bits_, Context());
  std::vector<Grid> plain, own;
  for (const float s : scale) plain.push_back({s, -8, 7});
  for (const float s : fitted.grids.scale) own.push_back({s, -8, 7});
  const double before = error_of(round_to_grid(weights, plain)), after = error_of(fitted.weights);
  EXPECT_LT(after, before);
  EXPECT_LE(after, error_of(at("descended")) + 1e-9);
  const Matrix again = round_to_grid(fitted.weights, own);  // on the grid already
  for (std::size_t i = 0; i < again.values.size(); ++i) EXPECT_NEAR(again.values[i], fitted.weights.values[i], 1e-9);

  Context four;
  four.threads = 4;
  EXPECT_EQ(fit_group(weights, known, row_judge(weights, known, Context()), four_bit_grids(scale), none, four_bits_, four).weights.values,
            fitted.weights.values);
}

// A row whose columns differ by a factor of ten: two scales serve it better than one, and every value lies on the grid of its own block.
TEST_F(Golden, BlocksHaveScalesOfTheirOwn) {
  Matrix weights = at("weights");
  const std::size_t half = (weights.cols + 1) / 2;
  for (std::size_t r = 0; r < weights.rows; ++r) {
    for (std::size_t c = half; c < weights.cols; ++c) weights(r, c) *= 10;
  }
  std::vector<float> whole, halves;
  for (std::size_t r = 0; r < weights.rows; ++r) {
    const auto largest = [&](std::size_t begin, std::size_t end) {
      double most = 0;
      for (std::size_t c = begin; c < end; ++c) most = std::max(most, std::fabs(weights(r, c)));
      return static_cast<float>(most / 7);
    };
    whole.push_back(largest(0, weights.cols));
    halves.insert(halves.end(), {largest(0, half), largest(half, weights.cols)});
  }
  const std::vector<ScaleRule> none(weights.rows);
  const GroupMoments known = moments();
  const auto judge = row_judge(weights, known, Context());
  const auto total = [&](const Matrix& q) {
    const auto errors = judge(q, Context());
    return std::accumulate(errors.begin(), errors.end(), 0.0);
  };
  FitSettings settings = four_bits_;
  settings.methods.rescale = 2;
  const auto plain = fit_group(weights, known, judge, four_bit_grids(whole), none, settings, Context());
  settings.block = half;
  Matrix columns, after;
  const std::vector<std::int32_t> low(weights.rows, -8);
  const auto grids = as_grids(four_bit_grids(whole), {halves, low}, half, weights.cols, columns);
  const auto fitted = fit_group(weights, known, judge, grids, none, settings, Context());
  ASSERT_EQ(fitted.grids.scale.size(), 2 * weights.rows);
  EXPECT_LT(total(fitted.weights), total(plain.weights));
  const Matrix again = round_to_grid(fitted.weights, as_grids(grids, fitted.grids, half, weights.cols, after));
  for (std::size_t i = 0; i < again.values.size(); ++i) EXPECT_NEAR(again.values[i], fitted.weights.values[i], 1e-9);
}

// The same positions as columns and as moments give the same errors but for a constant per row.
TEST(RowJudge, ColumnsAndMomentsAgree) {
  const std::size_t count = 50, length = 7;
  GroupColumns columns{count, std::vector<float>(count * length), std::vector<float>(count * length)};
  for (std::size_t i = 0; i < columns.fp.size(); ++i) {
    columns.fp[i] = std::sin(static_cast<float>(i * i));
    columns.q[i] = columns.fp[i] + 0.1F * std::cos(static_cast<float>(3 * i));
  }
  GroupMoments moments{Matrix(length, length), Matrix(length, length), {}, {}};
  for (std::size_t n = 0; n < count; ++n) {
    for (std::size_t i = 0; i < length; ++i) {
      for (std::size_t j = 0; j < length; ++j) {
        moments.h(i, j) += static_cast<double>(columns.q[n * length + i]) * columns.q[n * length + j];
        moments.hx(i, j) += static_cast<double>(columns.fp[n * length + i]) * columns.q[n * length + j];
      }
    }
  }
  Matrix w(2, length), a(2, length), b(2, length);
  for (std::size_t i = 0; i < w.values.size(); ++i) {
    w.values[i] = std::cos(static_cast<double>(5 * i));
    a.values[i] = w.values[i] + 0.2 * std::sin(static_cast<double>(i));
    b.values[i] = w.values[i] - 0.3 * std::sin(static_cast<double>(7 * i));
  }
  const auto by_moments = row_judge(w, moments, Context()), by_columns = row_judge(w, columns, Context());
  for (std::size_t r = 0; r < 2; ++r)
    EXPECT_NEAR(by_moments(a, Context())[r] - by_moments(b, Context())[r], by_columns(a, Context())[r] - by_columns(b, Context())[r], 1e-4);
}

// What each method is for: left out, the error on the data fitted to is larger; rescaling and learned rounding never raise it.
TEST_F(Golden, EveryMethodLowersTheError) {
  const GroupMoments known = moments();
  const std::vector<ScaleRule> none(at("weights").rows);
  std::vector<float> scale;
  for (const double value : at("scale").values) scale.push_back(static_cast<float>(value));
  const auto error_with = [&](const FitMethods& methods) {
    FitSettings settings = four_bits_;
    settings.methods = methods;
    return error_of(
        fit_group(at("weights"), known, row_judge(at("weights"), known, Context()), four_bit_grids(scale), none, settings, Context())
            .weights);
  };
  const double all = error_with({});
  EXPECT_GT(error_with({.target = false}), all);
  EXPECT_GT(error_with({.gptq = false, .descent = false}), all);
  EXPECT_LE(error_with({.rescale = 2}), all + 1e-9);
  EXPECT_LE(error_with({.rescale = 2, .learned = 100}), all + 1e-9);
}

TEST_F(Golden, TheFloatWeightsAreATargetWhereThereIsNoOther) {
  const GroupMoments known = moments();
  const std::vector<ScaleRule> none(at("weights").rows);
  const std::vector<float> scale(none.size(), 0.4F);
  const auto fitted_with = [&](bool target, bool float_target) {
    FitSettings settings = four_bits_;
    settings.methods.target = target;
    settings.float_target = float_target;
    const auto judge = row_judge(at("weights"), known, Context());
    return fit_group(at("weights"), known, judge, four_bit_grids(scale), none, settings, Context()).weights.values;
  };
  EXPECT_EQ(fitted_with(false, false), fitted_with(false, true));
  EXPECT_NE(fitted_with(true, false), fitted_with(false, false));
}

TEST_F(Golden, FixedScalesStay) {
  FitSettings fixed = four_bits_;
  fixed.search_scale = false;
  const std::vector<float> scale(at("weights").rows, 0.4F);
  const std::vector<ScaleRule> none(scale.size());
  const GroupMoments known = moments();
  const auto judge = row_judge(at("weights"), known, Context());
  EXPECT_EQ(fit_group(at("weights"), known, judge, four_bit_grids(scale), none, fixed, Context()).grids.scale, scale);
}

TEST_F(Golden, EachRowKeepsToItsOwnIntegers) {
  const std::vector<ScaleRule> none(at("weights").rows);
  std::vector<Grid> grids;
  for (std::size_t r = 0; r < none.size(); ++r) grids.push_back(r % 2 == 0 ? Grid{0.4, -63, 63} : Grid{0.4, -127, 127});
  const GroupMoments known = moments();
  const auto fitted = fit_group(at("weights"), known, row_judge(at("weights"), known, Context()), grids, none, FitSettings(), Context());
  for (std::size_t r = 0; r < none.size(); ++r) {
    double most = 0;
    for (const double w : fitted.weights.row(r)) most = std::max(most, std::fabs(w) / fitted.grids.scale[r]);
    EXPECT_LE(most, grids[r].high + 1e-6);
    EXPECT_GT(most, grids[r].high / 2.0) << "the scale follows the range";
  }
}

// The first input is silent in what is fitted to; of each row the first weight is by far the largest.
TEST_F(Golden, TheWeightsOfASilentInputAreNotCutOff) {
  GroupMoments quiet = moments();
  Matrix weights = at("weights");
  for (std::size_t k = 0; k < quiet.h.rows; ++k) quiet.h(0, k) = quiet.h(k, 0) = quiet.hx(0, k) = quiet.hx(k, 0) = 0;
  const std::vector<ScaleRule> none(weights.rows);
  for (const int high : {7, 127}) {
    std::vector<Grid> grids;
    for (std::size_t r = 0; r < weights.rows; ++r) {
      weights(r, 0) = 10;
      grids.push_back({10.0 / high, -high, high});
    }
    const auto fitted = fit_group(weights, quiet, row_judge(weights, quiet, Context()), grids, none, four_bits_, Context());
    for (std::size_t r = 0; r < weights.rows; ++r) EXPECT_GT(fitted.weights(r, 0), high == 7 ? 5 : 9) << high << ", row " << r;
  }
}

TEST_F(Golden, AnInputThatIsAlwaysZeroLeavesNearestRounding) {
  GroupMoments dead = moments();
  dead.h = dead.hx = Matrix(dead.h.rows, dead.h.cols);
  const std::vector<float> scale(at("weights").rows, 0.4F);
  const std::vector<ScaleRule> none(scale.size());
  const auto fitted =
      fit_group(at("weights"), dead, row_judge(at("weights"), dead, Context()), four_bit_grids(scale), none, four_bits_, Context());
  EXPECT_EQ(fitted.grids.scale, scale);
  EXPECT_EQ(fitted.weights.values, round_to_grid(at("weights"), std::vector<Grid>(scale.size(), {0.4F, -8, 7})).values);
}

}  // namespace
}  // namespace quantize
