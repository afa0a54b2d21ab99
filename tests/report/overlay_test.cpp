#include "report/overlay.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"

namespace quantize {
namespace {

using Bytes = std::vector<std::uint8_t>;

TEST(OverlayClasses, MixesPictureAndColour) {
  const Image picture{.width = 2, .height = 1, .channels = 3, .pixels = {100, 200, 0, 10, 20, 30}};
  const Image overlay = overlay_classes(picture, Bytes{0, 1}, 0.5);
  EXPECT_EQ(overlay.width, 2);
  EXPECT_EQ(overlay.height, 1);
  EXPECT_EQ(overlay.channels, 3);
  // Class 0 is E69F00 = (230, 159, 0), class 1 is 56B4E9 = (86, 180, 233).
  EXPECT_EQ(overlay.pixels, (Bytes{165, 180, 0, 48, 100, 132}));
}

TEST(OverlayClasses, KeepsThePictureOrOnlyTheColours) {
  const Image picture{.width = 1, .height = 1, .channels = 3, .pixels = {1, 2, 3}};
  EXPECT_EQ(overlay_classes(picture, Bytes{5}, 0).pixels, (Bytes{1, 2, 3}));
  EXPECT_EQ(overlay_classes(picture, Bytes{0}, 1).pixels, (Bytes{230, 159, 0}));
}

TEST(OverlayClasses, TakesGrayPictures) {
  const Image picture{.width = 1, .height = 1, .channels = 1, .pixels = {40}};
  EXPECT_EQ(overlay_classes(picture, Bytes{0}, 0.1).pixels, (Bytes{59, 52, 36}));
}

TEST(OverlayClasses, HasTwentyFourColoursAndThenStartsAgain) {
  std::set<Bytes> colours;
  const Image picture{.width = 1, .height = 1, .channels = 1, .pixels = {0}};
  for (std::uint8_t index = 0; index < 24; ++index) colours.insert(overlay_classes(picture, Bytes{index}, 1).pixels);
  EXPECT_EQ(colours.size(), 24U);
  EXPECT_EQ(overlay_classes(picture, Bytes{24}, 1).pixels, overlay_classes(picture, Bytes{0}, 1).pixels);
}

TEST(OverlayClasses, RefusesAMaskOfAnotherSize) {
  const Image picture{.width = 1, .height = 1, .channels = 3, .pixels = {1, 2, 3}};
  EXPECT_THROW(overlay_classes(picture, Bytes{0, 0}, 0.5), Error);
}

TEST(DifferencePicture, DarkensWhatIsEqualAndMarksWhatDiffers) {
  const Image picture{.width = 2, .height = 1, .channels = 3, .pixels = {255, 0, 0, 9, 9, 9}};
  // Red is 76 in gray (ITU-R 601), and half of it 38.
  EXPECT_EQ(difference_picture(picture, Bytes{3, 3}, Bytes{3, 4}).pixels, (Bytes{38, 38, 38, 255, 216, 0}));
}

TEST(DifferencePicture, TakesGrayPictures) {
  const Image picture{.width = 1, .height = 1, .channels = 1, .pixels = {100}};
  EXPECT_EQ(difference_picture(picture, Bytes{3}, Bytes{3}).pixels, (Bytes{50, 50, 50}));
}

TEST(DifferencePicture, RefusesMasksOfAnotherSize) {
  const Image picture{.width = 1, .height = 1, .channels = 1, .pixels = {100}};
  EXPECT_THROW(difference_picture(picture, Bytes{3}, Bytes{3, 3}), Error);
  EXPECT_THROW(difference_picture(picture, Bytes{}, Bytes{3}), Error);
}

}  // namespace
}  // namespace quantize
