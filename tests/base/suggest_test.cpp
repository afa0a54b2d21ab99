#include "base/suggest.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace quantize {
namespace {

const std::vector<std::string> words = {"--calib", "--samples", "--scheme", "--scale"};

TEST(DidYouMean, FindsTheWordAnEditAway) {
  EXPECT_EQ(did_you_mean("--calb", words), "; did you mean '--calib'?");       // left out
  EXPECT_EQ(did_you_mean("--calibb", words), "; did you mean '--calib'?");     // one too many
  EXPECT_EQ(did_you_mean("--clib", words), "; did you mean '--calib'?");       // left out
  EXPECT_EQ(did_you_mean("--smaples", words), "; did you mean '--samples'?");  // swapped
  EXPECT_EQ(did_you_mean("--schema", words), "; did you mean '--scheme'?");    // replaced
}

TEST(DidYouMean, SaysNothingWhereNothingIsNear) {
  EXPECT_EQ(did_you_mean("--frobnicate", words), "");
  EXPECT_EQ(did_you_mean("", words), "");
  EXPECT_EQ(did_you_mean("7", std::array<std::string, 2>{"0", "1"}), "") << "every other letter is one replacement away";
  EXPECT_EQ(did_you_mean(std::string(100000, '-'), words), "");
}

TEST(DidYouMean, TakesTheNearestOfSeveral) { EXPECT_EQ(did_you_mean("--scal", words), "; did you mean '--scale'?"); }

}  // namespace
}  // namespace quantize
