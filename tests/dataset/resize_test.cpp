#include <cmath>

#include "dataset/golden.h"

namespace quantize {
namespace {

struct Size {
  int width, height;
};

class Resize : public testing::TestWithParam<Size> {
 protected:
  [[nodiscard]] static std::string suffix() { return std::to_string(GetParam().width) + "x" + std::to_string(GetParam().height) + ".npy"; }
};

TEST_P(Resize, EqualsPillowToTheBit) {
  const auto [width, height] = GetParam();
  EXPECT_EQ(difference(resize_bilinear(read_image(golden("rgb.png"), 3), width, height), "rgb_" + suffix()), 0);
  EXPECT_EQ(difference(resize_bilinear(read_image(golden("rgb.png"), 1), width, height), "gray_" + suffix()), 0);
}

TEST_P(Resize, EqualsPillowForFloats) {
  const auto [width, height] = GetParam();
  const Tensor plane = read_npy(golden("plane.npy"));
  const Tensor expected = read_npy(golden("plane_" + suffix()));
  const auto result = resize_bilinear(plane.as<float>(), static_cast<int>(plane.shape[1]), static_cast<int>(plane.shape[0]), width, height);
  ASSERT_EQ(result.size(), expected.as<float>().size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const float wanted = expected.as<float>()[i];
    EXPECT_NEAR(result[i], wanted, 1e-6 * std::fabs(wanted)) << i;
  }
}

// Shrunk, enlarged, one direction only, both at once in opposite directions, to a single pixel.
INSTANTIATE_TEST_SUITE_P(Golden, Resize, testing::Values(Size{7, 5}, Size{29, 17}, Size{13, 4}, Size{5, 9}, Size{1, 1}, Size{40, 2}),
                         [](const auto& test) { return std::to_string(test.param.width) + "x" + std::to_string(test.param.height); });

// Halving 4 pixels: the triangle reaches 2 input pixels to both sides. The first output's centre is at 1, which gives pixels 0, 1, 2 the
// weights 3/4, 3/4, 1/4; what lies outside is cut off, so they are scaled to 3/7, 3/7, 1/7. The second is its mirror image.
TEST(ResizeByHand, HalvesWithATriangle) {
  const Image row{4, 1, 1, {70, 140, 210, 0}};
  EXPECT_EQ(resize_bilinear(row, 2, 1).pixels, (std::vector<std::uint8_t>{(3 * 70 + 3 * 140 + 210) / 7, (140 + 3 * 210 + 3 * 0) / 7}));
}

TEST(ResizeByHand, DoublesByInterpolating) {
  const Image row{2, 1, 1, {0, 100}};
  EXPECT_EQ(resize_bilinear(row, 4, 1).pixels, (std::vector<std::uint8_t>{0, 25, 75, 100}));
}

TEST(ResizeByHand, KeepsTheSameSizeUntouched) {
  const Image image = read_image(golden("rgb.png"), 3);
  EXPECT_EQ(resize_bilinear(image, image.width, image.height).pixels, image.pixels);
}

TEST(ResizeByHand, RefusesImpossibleSizes) {
  const Image image{2, 1, 1, {1, 2}};
  error_text([&] { (void)resize_bilinear(image, 0, 1); }, ErrorKind::internal);
  error_text([&] { (void)resize_bilinear(Image{2, 2, 1, {1}}, 1, 1); }, ErrorKind::internal);
  error_text([&] { (void)resize_bilinear(std::vector<float>{1, 2}, 3, 1, 1, 1); }, ErrorKind::internal);
}

TEST(Crop, CutsARectangle) {
  const Image image{3, 2, 3, {1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5, 6, 6, 6}};
  const Image part = crop(image, 1, 1, 2, 1);
  EXPECT_EQ(part.pixels, (std::vector<std::uint8_t>{5, 5, 5, 6, 6, 6}));
  EXPECT_EQ(part.width, 2);
  EXPECT_EQ(part.height, 1);
  error_text([&] { (void)crop(image, 2, 0, 2, 1); }, ErrorKind::internal);
  error_text([&] { (void)crop(image, 0, -1, 1, 1); }, ErrorKind::internal);
}

}  // namespace
}  // namespace quantize
