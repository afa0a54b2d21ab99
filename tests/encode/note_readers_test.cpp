#include "encode/note_readers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "plan_fixture.h"

namespace quantize::test {
namespace {

TEST(NoteReaders, WhatTheyTellApartLimitsARange) {
  const Model model = text_model(R"(g (float[1,2,8,8] x) => (float[1,2,8,8] y, float[1,8,8,2] z) <float[2,2,3,3] w> {
    a = Conv <pads = [1,1,1,1]> (x, w)
    b = Transpose <perm = [0,2,3,1]> (a)
    c = HardSwish (b)
    d = Transpose <perm = [0,3,1,2]> (c)
    e = Conv <pads = [1,1,1,1]> (d, w)
    f = HardSwish (e)
    y = Conv <pads = [1,1,1,1]> (f, w)
    g = Conv <pads = [1,1,1,1]> (e, w)
    h = HardSigmoid <alpha = 0.25, beta = 0.5> (g)
    i = Conv <pads = [1,1,1,1]> (h, w)
    z = Transpose <perm = [0,2,3,1]> (i)
  })");
  const auto placement = place(model, find_target("ort-cpu"));
  constexpr float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(group_of(placement, "a")->distinct, std::pair(-3.0F, infinity)) << "behind what moves it";
  EXPECT_NEAR(group_of(placement, "a")->negative_weight, 1.0 / 12, 1e-9);
  EXPECT_FALSE(group_of(placement, "e")->distinct) << "a convolution reads it too";
  EXPECT_EQ(group_of(placement, "g")->distinct, std::pair(-2.0F, 2.0F));
}

Model shares_of_64(const std::string& outputs) {
  return text_model("g (float[4,8] x) => (" + outputs + R"() <float[8,64] w, float[64,8] v> {
    a = Gemm (x, w)
    s = Softmax <axis = -1> (a)
    y = Gemm (s, v)
  })");
}

// Of many shares none comes near 1: with 64 of them a range of [0, 1] would waste most of its steps.
TEST(NoteMaker, TheSharesOfASoftmaxInFloatReachAsFarAsSeenAndSomeRoom) {
  const Model model = shares_of_64("float[4,8] y");
  const auto placement = place(model, find_target("ort-cpu"));
  const auto* shares = group_of(placement, "s");
  ASSERT_NE(shares, nullptr);
  EXPECT_FALSE(shares->range_is_exact);
  const auto observed = placement.observed();
  EXPECT_EQ(std::ranges::count(observed, "s"), 1);
  const auto high = [&](float largest, const char* scheme) {
    const Statistics statistics = {{"s", statistics_of(std::vector<float>{0, 0, 0.01F, largest})}};
    return group_range(*shares, statistics, scheme_named(scheme, RangeMethod::mse)).high;
  };
  EXPECT_NEAR(high(0.16F, "w8a8"), 0.2, 1e-6);
  EXPECT_NEAR(high(0.16F, "w8a16"), 0.2, 1e-6);
  EXPECT_EQ(high(0.9F, "w8a8"), 1.0) << "the limit stays";
  EXPECT_TRUE(group_of(place(model, find_target("qnn")), "s")->range_is_exact) << "an integer kernel makes them at 1/256";
}

// What reads a graph's outputs is not known here, and may do with shares that no calibration picture has shown.
TEST(NoteMaker, SharesThatAreGraphOutputsKeepTheirExactRange) {
  const Model model = shares_of_64("float[4,8] y, float[4,64] s");
  const auto placement = place(model, find_target("ort-cpu"));
  const auto* shares = group_of(placement, "s");
  ASSERT_NE(shares, nullptr);
  EXPECT_TRUE(shares->range_is_exact);
  EXPECT_EQ(shares->range, std::pair(0.0F, 1.0F));
  EXPECT_EQ(std::ranges::count(placement.observed(), "s"), 0);
}

TEST(GroupRange, EndsHalfAStepBehindWhereItsReadersSaturate) {
  TensorGroup group;
  group.members = group.sources = {"b"};
  group.distinct = {-3.0F, std::numeric_limits<float>::infinity()};
  Statistics statistics;
  auto& b = statistics["b"] = statistics_of(std::vector<float>{-40, -20, -1, 3, 9});
  const Range range = group_range(group, statistics, scheme_named("w8a8", RangeMethod::minmax));
  EXPECT_EQ(range.high, 9.0);
  EXPECT_NEAR(range.low, -3 - 12.0 / 254 / 2, 1e-9);
  const auto encoding = encode_range(range, onnx::TensorProto::UINT8, Symmetry::asymmetric);
  EXPECT_LE(encoding.low(), -3.0) << "the least integer must be cut off, too";
  b.min = -1;  // nothing is cut off where nothing reaches that far
  EXPECT_EQ(group_range(group, statistics, scheme_named("w8a8", RangeMethod::minmax)).low, -1.0);
}

TEST(GroupRange, ReachesTheEndWhereManyValuesAreCutOff) {
  TensorGroup group;
  group.members = group.sources = {"b"};
  group.distinct = {0.0F, 6.0F};
  std::vector<float> values;
  for (int i = 0; i < 1000; ++i) values.insert(values.end(), {static_cast<float>(i) / 500, 13 + static_cast<float>(i) / 200});
  const Statistics statistics = {{"b", statistics_of(values)}};
  for (const auto method : {RangeMethod::automatic, RangeMethod::mse, RangeMethod::percentile, RangeMethod::minmax})
    EXPECT_GE(group_range(group, statistics, scheme_named("w8a8", method)).high, 6.0) << "else half of the values come out too small";
}

TEST(GroupRange, SixteenBitsLeaveRoomWhetherValuesMayBeClippedOrNot) {
  TensorGroup group;
  group.members = group.sources = {"b"};
  const Statistics statistics = {{"b", statistics_of(std::vector<float>{-2, 1, 4})}};
  for (const bool unclipped : {false, true}) {
    group.unclipped = unclipped;
    const Range range = group_range(group, statistics, scheme_named("w8a16", RangeMethod::automatic));
    EXPECT_EQ(range.low, -2.5);
    EXPECT_EQ(range.high, 5.0);
    EXPECT_EQ(group_range(group, statistics, scheme_named("w8a16", RangeMethod::minmax)).high, 4.0) << "as asked";
  }
  EXPECT_EQ(group_range(group, statistics, scheme_named("w8a8", RangeMethod::automatic)).high, 4.0);
}

}  // namespace
}  // namespace quantize::test
