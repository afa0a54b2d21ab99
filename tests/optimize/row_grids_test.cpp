// Scales and zero points of rows, by hand.
#include "optimize/row_grids.h"

#include <gtest/gtest.h>

#include <cmath>

namespace quantize {
namespace {

Matrix row_of(std::vector<double> values) {
  Matrix row(1, values.size());
  row.values = std::move(values);
  return row;
}

const std::vector<double> alike(16, 1.0);  // importance

RowGrids found_for(const Matrix& row, bool zero_points, const ScaleRule& rule = {}) {
  const std::vector<Grid> plain = {{1, -8, 7}};
  return search_grids(row, std::span(alike).first(row.cols), plain, {&rule, 1}, 0, zero_points, Context{});
}

double error_of(const Matrix& row, const RowGrids& chosen) {
  Matrix unused;
  const std::vector<Grid> plain = {{1, -8, 7}};
  const auto rounded = round_to_grid(row, as_grids(plain, chosen, 0, row.cols, unused));
  double error = 0;
  for (std::size_t k = 0; k < row.cols; ++k) error += (rounded(0, k) - row(0, k)) * (rounded(0, k) - row(0, k));
  return error;
}

TEST(SearchGrids, TheFloorIsKept) {
  const Matrix weights = row_of({1.0, -0.5});
  const std::vector<Grid> eight_bits = {{1, -127, 127}};
  const ScaleRule free, floor{.least = 0.25F};
  EXPECT_LT(search_grids(weights, {alike.data(), 2}, eight_bits, {&free, 1}, 0, false, Context{}).scale[0], 0.0085F);
  EXPECT_EQ(search_grids(weights, {alike.data(), 2}, eight_bits, {&floor, 1}, 0, false, Context{}).scale[0], 0.25F);
  EXPECT_GE(found_for(weights, true, floor).scale[0], 0.25F);
}

// 0, 1, ... 15 steps of one size: with integers from -8 to 7 half of them share a value with a neighbour.
TEST(SearchGrids, ARowOfOneSignUsesAllIntegers) {
  for (const double sign : {1.0, -1.0}) {
    std::vector<double> steps;
    for (int i = 0; i < 16; ++i) steps.push_back(sign * 0.5 * i);
    const Matrix row = row_of(steps);
    const auto moved = found_for(row, true), symmetric = found_for(row, false);
    EXPECT_EQ(moved.low[0], sign > 0 ? 0 : -15);
    EXPECT_NEAR(moved.scale[0], 0.5, 1e-6);
    EXPECT_NEAR(error_of(row, moved), 0, 1e-9);
    EXPECT_GT(error_of(row, symmetric), 0.5);
    EXPECT_EQ(symmetric.low[0], -8);
  }
}

TEST(SearchGrids, ZeroPointsNeverRaiseTheError) {
  for (int seed = 0; seed < 50; ++seed) {
    std::vector<double> values;
    for (int k = 0; k < 9; ++k) values.push_back(std::sin(7.0 * seed + 3.1 * k * k) + 0.02 * seed);
    const Matrix row = row_of(values);
    EXPECT_LE(error_of(row, found_for(row, true)), error_of(row, found_for(row, false)) + 1e-12) << seed;
  }
}

// What no sample seen makes loud may be loud in others: its weights are not cut off for the sake of the rest.
TEST(SearchGrids, TheWeightOfASilentColumnKeepsMostOfItsSize) {
  const Matrix row = row_of({10.0, 0.3, -0.7, 0.9, -0.2, 0.5});
  const std::vector<double> power = {0, 1, 1, 1, 1, 1};
  const std::vector<Grid> eight_bits = {{1, -127, 127}};
  const ScaleRule free;
  const auto largest_with = [&](const std::vector<double>& importance) {
    return 127 * search_grids(row, importance, eight_bits, {&free, 1}, 0, false, Context{}).scale[0];
  };
  EXPECT_LT(largest_with(power), 7);
  EXPECT_GT(largest_with(importance_of(power)), 9.8);
}

TEST(ImportanceOf, LeavesColumnsAloneThatAreNotSilent) {
  EXPECT_EQ(importance_of({1, 0.5, 0.1}), (std::vector<double>{1, 0.5, 0.1}));
  EXPECT_EQ(importance_of({0, 0}), (std::vector<double>{0, 0}));
  EXPECT_NEAR(importance_of({2, 0})[1], 0.06, 1e-12);
  EXPECT_NEAR(importance_of({1, 2, 1e6, 0})[3], 0.06, 1e-12) << "a loud column does not make the others count for more";
}

TEST(SearchGrids, ARowOfZerosKeepsTheSymmetricRange) {
  const auto found = found_for(row_of({0, 0, 0}), true);
  EXPECT_EQ(found.low[0], -8);
  EXPECT_GT(found.scale[0], 0);
}

TEST(AsGrids, TheRangeMovesWithItsLowestInteger) {
  Matrix unused;
  const auto grids = as_grids(std::vector<Grid>{{1, -8, 7}, {1, -8, 7}}, {{0.5F, 0.25F}, {-8, -3}}, 0, 4, unused);
  EXPECT_EQ(grids[0].low, -8);
  EXPECT_EQ(grids[0].high, 7);
  EXPECT_EQ(grids[1].low, -3);
  EXPECT_EQ(grids[1].high, 12);
  EXPECT_EQ(grids[1].scale, 0.25);
  const auto back = row_grids(grids, 0);
  EXPECT_EQ(back.scale, (std::vector<float>{0.5F, 0.25F}));
  EXPECT_EQ(back.low, (std::vector<std::int32_t>{-8, -3}));
}

}  // namespace
}  // namespace quantize
