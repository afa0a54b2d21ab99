#include "ops/channel_shuffle.h"

#include <gtest/gtest.h>

#include "support/text_model.h"

namespace quantize::test {
namespace {

std::optional<ChannelShuffle> shuffle_in(const std::string& split, const std::string& perm, const std::string& joined) {
  const Model model = text_model("g (float[1,6,4,5] x) => (float[A,B,C,D] y) <int64[5] s = {" + split + "}, int64[4] j = {" + joined +
                                 "}> { a = Reshape (x, s)  b = Transpose <perm = [" + perm + "]> (a)  y = Reshape (b, j) }");
  return channel_shuffle(0, GraphIndex(model.graph()));
}

TEST(ChannelShuffle, ThreeOperatorsThatFrameworksWriteForOne) {
  const auto shuffle = shuffle_in("1,2,3,4,5", "0,2,1,3,4", "1,6,4,5");
  ASSERT_TRUE(shuffle);
  EXPECT_EQ(shuffle->from + shuffle->to, "xy");
  EXPECT_EQ(shuffle->channels(), 6);
  const std::vector<int> sources = {0, 3, 1, 4, 2, 5};
  for (int c = 0; c < 6; ++c) EXPECT_EQ(shuffle->source(c), sources[static_cast<std::size_t>(c)]);
}

TEST(ChannelShuffle, WithDimensionsThatAreCopiedOrLeftOpen) {
  EXPECT_TRUE(shuffle_in("-1,2,3,4,5", "0,2,1,3,4", "-1,6,4,5"));
  EXPECT_TRUE(shuffle_in("0,2,3,4,-1", "0,2,1,3,4", "0,6,4,-1"));
  EXPECT_TRUE(shuffle_in("0,2,3,4,5", "0,2,1,3,4", "0,-1,4,5"));
  EXPECT_FALSE(shuffle_in("0,2,3,4,-1", "0,2,1,3,4", "-1,6,4,5")) << "batch and width might have changed places";
}

TEST(ChannelShuffle, KeepsTheShapeOfATensorThatItFits) {
  const auto shuffle = shuffle_in("0,2,3,-1,5", "0,2,1,3,4", "0,6,-1,5");
  ASSERT_TRUE(shuffle);
  EXPECT_TRUE(shuffle->keeps_shape({1, 6, 4, 5}));
  EXPECT_TRUE(shuffle->keeps_shape({-1, 6, -1, 5}));
  EXPECT_FALSE(shuffle->keeps_shape({-1, 6, -1, -1})) << "height and width are in doubt";
  EXPECT_FALSE(shuffle->keeps_shape({1, -1, 4, 5}));
  EXPECT_FALSE(shuffle->keeps_shape({1, 6, 20}));
}

TEST(ChannelShuffle, OthersAreNone) {
  EXPECT_FALSE(shuffle_in("1,2,3,4,5", "0,1,2,4,3", "1,6,5,4"));
  EXPECT_FALSE(shuffle_in("1,2,3,4,5", "0,2,1,3,4", "1,3,8,5"));
  EXPECT_FALSE(shuffle_in("1,2,3,4,5", "0,2,1,3,4", "1,6,5,4"));
}

}  // namespace
}  // namespace quantize::test
