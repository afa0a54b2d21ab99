#include <gtest/gtest.h>

#include "pipeline/describe.h"

namespace quantize::test {
namespace {

using Numbers = std::vector<std::size_t>;

// Named by their numbers; of those in `left_out` there are no figures.
Accuracy accuracy_of(std::size_t images, const Numbers& left_out, std::size_t worst) {
  Accuracy accuracy;
  for (std::size_t i = 0; i < images; ++i) accuracy.images.push_back({std::to_string(i), 40, 30, 1});
  for (const std::size_t i : left_out) accuracy.images[i].compared = false;
  accuracy.left_out = left_out.size();
  accuracy.worst_image = std::to_string(worst);
  return accuracy;
}

TEST(PicturesToShow, AreTheWorstAndEvenlySpreadOnes) {
  EXPECT_EQ(pictures_to_show(accuracy_of(12, {}, 7), 4), (Numbers{7, 0, 3, 6}));
  EXPECT_EQ(pictures_to_show(accuracy_of(3, {}, 1), 6), (Numbers{1, 0, 2}));
  EXPECT_EQ(pictures_to_show(accuracy_of(3, {}, 1), 0), Numbers{});
  EXPECT_EQ(pictures_to_show(Accuracy{}, 6), Numbers{});
}

TEST(PicturesToShow, AreAsManyAsAskedForWhereSomeWereLeftOut) {
  EXPECT_EQ(pictures_to_show(accuracy_of(12, {0, 3, 6, 9}, 7), 4), (Numbers{7, 1, 4, 10}));
  EXPECT_EQ(pictures_to_show(accuracy_of(4, {0, 1, 2}, 3), 4), Numbers{3});
}

}  // namespace
}  // namespace quantize::test
