#include "console.h"

#include <gtest/gtest.h>

namespace quantize::cli {
namespace {

TEST(TimeLeft, FollowsTheRateSoFar) {
  EXPECT_EQ(time_left(10, 5, 20), "  about 30 s left");
  EXPECT_EQ(time_left(1, 3, 4), "  about 1 s left");
  EXPECT_EQ(time_left(60, 1, 11), "  about 10 min left");
}

TEST(TimeLeft, SaysNothingBeforeAndAfter) {
  EXPECT_EQ(time_left(10, 0, 20), "");
  EXPECT_EQ(time_left(0.1, 1, 20), "");
  EXPECT_EQ(time_left(10, 20, 20), "");
}

}  // namespace
}  // namespace quantize::cli
