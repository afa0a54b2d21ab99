#include "pipeline/check_labels.h"

#include "dataset/image.h"
#include "support/error_text.h"
#include "support/folder_test.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

constexpr const char* one_channel = "g (float[1,3,8,8] x) => (float[1,1,8,8] y) { y = ReduceMax <axes = [1]> (x) }";
constexpr const char* three_channels = "g (float[1,3,8,8] x) => (float[1,3,8,8] y) { y = Relu (x) }";

class CheckLabels : public FolderTest {
 protected:
  void draw(const std::string& name, int width, int height, int channels, std::uint8_t value = 0) const {
    Image image{width, height, channels, std::vector<std::uint8_t>(static_cast<std::size_t>(width) * height * channels, 0)};
    image.pixels[0] = value;
    const auto png = encode_png(image);
    write(name, {reinterpret_cast<const char*>(png.data()), png.size()});
  }
  [[nodiscard]] SampleSource samples() const {
    return SampleSource::open(folder / "pictures", {{"x", onnx::TensorProto::FLOAT, {1, 3, 8, 8}}}, Preprocess::named("raw"));
  }
  LabelValues check() { return check_labels(samples(), folder / "labels", context); }

  Context context;
};

TEST_F(CheckLabels, TellsWhichNumbersOccur) {
  for (const auto& [name, value] : {std::pair("a.png", 3), {"b.png", 255}}) {
    draw(std::string("pictures/") + name, 16, 8, 3);
    draw(std::string("labels/") + name, 16, 8, 1, static_cast<std::uint8_t>(value));
  }
  const auto values = check();
  EXPECT_EQ(values.count(), 3U);
  EXPECT_TRUE(values.test(0) && values.test(3) && values.test(255));
  EXPECT_TRUE(context.warnings().empty());
}

TEST_F(CheckLabels, AnotherSizeIsSaidAndOtherProportionsAreRefused) {
  draw("pictures/a.png", 33, 16, 3);
  draw("labels/a.png", 16, 8, 1);  // half of it, rounded
  (void)check();
  ASSERT_EQ(context.warnings().size(), 1U);
  EXPECT_NE(context.warnings()[0].find("a.png is 16x8, its picture 33x16"), std::string::npos);
  for (const auto& [width, height] : {std::pair(16, 33), {33, 20}}) {
    draw("labels/a.png", width, height, 1);
    expect_refusal([&] { return check(); }, ErrorKind::data, "it cannot be a mask of that picture");
  }
}

// Masks that were made at the network's own size.
TEST_F(CheckLabels, ProportionsOfTheInputAreRightToo) {
  draw("pictures/a.png", 33, 16, 3);
  draw("labels/a.png", 16, 16, 1);
  (void)check();
  EXPECT_EQ(context.warnings().size(), 1U);
}

TEST_F(CheckLabels, AMissingOneIsNamed) {
  draw("pictures/a.png", 8, 8, 3);
  expect_refusal([&] { return check(); }, ErrorKind::data, "labels/a.png for the test image 'a'");
}

TEST_F(CheckLabels, MasksOf0And255AreRefusedWhereThereAreTwoClasses) {
  draw("pictures/a.png", 8, 8, 3);
  draw("labels/a.png", 8, 8, 1, 255);
  const auto refuse = [&](const char* model) {
    refuse_masks_of_255(check(), text_model(model).proto, samples(), ClassAxis::first, folder / "labels");
    return 0;
  };
  expect_refusal([&] { return refuse(one_channel); }, ErrorKind::data, "write the foreground as 1");
  EXPECT_EQ(refuse(three_channels), 0);
  draw("labels/a.png", 8, 8, 1, 1);
  EXPECT_EQ(refuse(one_channel), 0);
}

}  // namespace
}  // namespace quantize::test
