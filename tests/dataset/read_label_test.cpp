#include "dataset/golden.h"

namespace quantize {
namespace {

TEST(ReadLabel, YieldsClassNumbers) {
  for (const char* name : {"label_gray.png", "label_palette.png", "label_palette4.png"}) {
    const Image label = read_label(golden(name));
    EXPECT_EQ(label.channels, 1) << name;
    EXPECT_EQ(difference(label, "label.npy"), 0) << name;
  }
}

TEST(ReadLabel, YieldsTheValuesOfFewBitsAsTheyAre) {
  const Image label = read_label(golden("bilevel.png"));
  const Image picture = read_image(golden("bilevel.png"), 1);  // as a picture, the larger of the two values is white
  for (std::size_t i = 0; i < label.pixels.size(); ++i) EXPECT_EQ(label.pixels[i] * 255, picture.pixels[i]);
}

TEST(ReadLabel, RefusesWhatHasNoClassNumbers) {
  const auto reason = [](const std::string& name) { return error_text([&] { read_label(golden(name)); }); };
  expect_in("rgb.png: a label must be a gray or palette PNG", reason("rgb.png"));
  expect_in("a label must be a gray or palette PNG", reason("gray_alpha.png"));
  expect_in("at most 8 bits", reason("gray16.png"));
  expect_in("a label must be a PNG", reason("baseline.jpg"));
  expect_in("no_such.png", reason("no_such.png"));
}

using LabelFile = GoldenTest;

TEST_F(LabelFile, MustBeWhole) {
  const std::string bytes = read_file(golden("label_palette.png"));
  for (std::size_t size = 0; size < bytes.size(); size += 11) {
    const auto path = write("label.png", std::string_view(bytes).substr(0, size));
    EXPECT_THROW(read_label(path), Error) << "cut to " << size;
  }
}

}  // namespace
}  // namespace quantize
