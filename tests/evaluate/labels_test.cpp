// mIoU against labels, which are masks of the pictures and not of what the model is shown of them.
#include <gtest/gtest.h>

#include "dataset/image.h"
#include "evaluate/evaluate.h"
#include "evaluate/on_provider.h"
#include "support/error_text.h"
#include "support/folder_test.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

// Each pixel's class is the channel in which it is brightest.
constexpr const char* brightest = "g (float[1,3,8,8] x) => (float[1,3,8,8] y) { y = Relu (x) }";

class Labels : public FolderTest {
 protected:
  // A picture whose columns have these classes, four pixels each and `height` high, with its label.
  void draw(const std::vector<std::uint8_t>& columns, int height) const {
    const int width = 4 * static_cast<int>(columns.size());
    Image picture{width, height, 3, {}}, label{width, height, 1, {}};
    for (int pixel = 0; pixel < width * height; ++pixel) {
      const std::uint8_t own = columns[static_cast<std::size_t>(pixel % width / 4)];
      for (int channel = 0; channel < 3; ++channel) picture.pixels.push_back(channel == own ? 200 : 10);
      label.pixels.push_back(own);
    }
    for (const auto& [name, image] : {std::pair("pictures/a.png", &picture), std::pair("labels/a.png", &label)}) {
      const auto png = encode_png(*image);
      write(name, {reinterpret_cast<const char*>(png.data()), png.size()});
    }
  }
  [[nodiscard]] SampleSource samples(ResizeMode mode) const {
    Preprocess preprocess = Preprocess::named("raw");
    preprocess.resize = mode;
    return SampleSource::open(folder / "pictures", {{"x", onnx::TensorProto::FLOAT, {1, 3, 8, 8}}}, preprocess);
  }
  [[nodiscard]] double miou(ResizeMode mode) const {
    return *compare_outputs(model.proto, model.proto, samples(mode), ClassAxis::first, {folder / "labels"}, {}, {}).miou_fp32;
  }

  const Model model = text_model(brightest);
};

TEST_F(Labels, CoverAStretchedPicture) {
  draw({1, 1, 2, 2}, 8);
  EXPECT_EQ(miou(ResizeMode::stretch), 1);
}

TEST_F(Labels, DoNotCoverTheBarsOfALetterbox) {
  draw({1, 1, 2, 2}, 8);
  EXPECT_EQ(miou(ResizeMode::letterbox), 1);
}

TEST_F(Labels, CountWhereACroppedPictureWasSeen) {
  draw({0, 1, 2, 0}, 8);  // the model is shown the middle, classes 1 and 2
  EXPECT_EQ(miou(ResizeMode::crop), 1);
}

TEST_F(Labels, OneThatIsMissingOrNoPictureIsNamed) {
  draw({1, 1, 2, 2}, 8);
  const auto compare = [&] { return miou(ResizeMode::stretch); };
  std::filesystem::remove(folder / "labels/a.png");
  expect_refusal(compare, ErrorKind::data, "labels/a.png");
  write("labels/a.png", "class 1 on the left, class 2 on the right");
  expect_refusal(compare, ErrorKind::data, "labels/a.png");
}

TEST_F(Labels, AModelWithOutputsOfAnotherSizeIsNotCompared) {
  draw({1, 1, 2, 2}, 8);
  const Model half = text_model("g (float[1,3,8,8] x) => (float[1,3,4,4] y) { y = MaxPool <kernel_shape = [2,2], strides = [2,2]> (x) }");
  for (const auto& labels : {std::filesystem::path(), folder / "labels"}) {
    const auto compare = [&] {
      return compare_outputs(model.proto, half.proto, samples(ResizeMode::stretch), ClassAxis::first, {labels}, {}, {});
    };
    expect_refusal(compare, ErrorKind::verification, "output shapes differ: FP32 1x3x8x8, quantized 1x3x4x4");
  }
}

TEST_F(Labels, VoidAndNumbersThatAreNoClassAreCountedApart) {
  draw({1, 1, 2, 255}, 8);
  const auto pixels = [&](const Model& one) {
    return *compare_outputs(one.proto, one.proto, samples(ResizeMode::stretch), ClassAxis::first, {folder / "labels"}, {}, {}).labels;
  };
  EXPECT_EQ(pixels(model).all, 128U);
  EXPECT_EQ(pixels(model).none, 32U);
  EXPECT_EQ(pixels(model).beyond, 0U);
  const Model sigmoid = text_model("g (float[1,3,8,8] x) => (float[1,1,8,8] y) { y = ReduceMax <axes = [1]> (x) }");
  EXPECT_EQ(pixels(sigmoid).beyond, 32U) << "class 2 of a model that has 0 and 1";
}

TEST_F(Labels, TellWhatAMaskOfOneClassWouldReach) {
  draw({1, 1, 1, 2}, 8);
  const auto score = [&] {
    return compare_outputs(model.proto, model.proto, samples(ResizeMode::stretch), ClassAxis::first, {folder / "labels"}, {}, {});
  };
  EXPECT_EQ(score().miou_one_class, 0.75 / 2);
  draw({1, 1, 1, 1}, 8);
  EXPECT_FALSE(score().miou_one_class);
}

// Of classes, given as numbers, the output does not say how many the model tells apart.
TEST_F(Labels, AreJudgedByTheClassesThatTheModelTellsApart) {
  draw({1, 1, 2, 3}, 8);  // as void is written in some data sets: the number behind the last
  const Model classes = text_model("g (float[1,3,8,8] x) => (int64[1,8,8] y) { y = ArgMax <axis = 1, keepdims = 0> (x) }");
  const auto compare = [&](const Model& one, std::optional<int> count) {
    return compare_outputs(one.proto, one.proto, samples(ResizeMode::stretch), ClassAxis::first, {folder / "labels", count}, {}, {});
  };
  const auto scores = compare(model, {}), numbers = compare(classes, 3);
  EXPECT_EQ(scores.labels->beyond, 32U);
  EXPECT_EQ(numbers.labels->beyond, 32U);
  EXPECT_EQ(numbers.miou_fp32, scores.miou_fp32);
}

// Height and width follow from the picture: where they differ, the rewrite is wrong, and not what was found.
TEST_F(Labels, APictureOfAnotherSizeIsRefusedWhereTheModelsFixNone) {
  draw({1, 1, 2, 2}, 8);
  const Model free = text_model("g (float[n,3,h,w] x) => (float[n,3,h,w] y) { y = Relu (x) }"),
              half = text_model("g (float[n,3,h,w] x) => (float[n,3,a,b] y) { y = MaxPool <kernel_shape = [2,2], strides = [2,2]> (x) }");
  const auto compare = [&] { return compare_outputs(free.proto, half.proto, samples(ResizeMode::stretch), ClassAxis::first, {}, {}, {}); };
  expect_refusal(compare, ErrorKind::verification, "output shapes differ");
}

// A list of what was found: how long it is depends on the values.
TEST_F(Labels, ASampleWithOutputsOfAnotherSizeIsLeftOutWhereTheModelsFixNone) {
  draw({1, 1, 2, 2}, 8);
  const auto above = [](const std::string& threshold) {
    return text_model("g (float[1,3,8,8] x) => (float[n] y, float[1,3,8,8] z) <float t = {" + threshold +
                      "}, int64[1] all = {-1}> { z = Relu (x)  f = Reshape (x, all)  b = Greater (f, t)  i = NonZero (b)  j = Squeeze (i)"
                      "  y = Gather (f, j) }");
  };
  const auto compare = [&](const std::string& a, const std::string& b) {
    return compare_outputs(above(a).proto, above(b).proto, samples(ResizeMode::stretch), ClassAxis::first, {}, {}, {});
  };
  EXPECT_EQ(compare("100", "100").left_out, 0U);
  for (const auto& [a, b] : {std::pair("100", "5"), {"250", "250"}}) {  // of other lengths, and of none
    const auto accuracy = compare(a, b);
    EXPECT_EQ(accuracy.left_out, 1U);
    EXPECT_TRUE(accuracy.images.empty());
    ASSERT_EQ(accuracy.other_outputs.size(), 1U);
    EXPECT_EQ(accuracy.other_outputs[0].sqnr_db, 999);
  }
}

TEST_F(Labels, AreTheSameForAProvider) {
  draw({0, 1, 2, 0}, 8);
  Context context;
  for (const auto mode : {ResizeMode::letterbox, ResizeMode::crop}) {
    const auto report = compare_on_provider(model.proto, model.proto, {}, model.proto, samples(mode), ClassAxis::first,
                                            parse_provider("cpu"), {.labels = folder / "labels"}, context);
    EXPECT_EQ(report.miou_labels, 1);
    EXPECT_EQ(report.cpu_miou_labels, 1);
  }
}

}  // namespace
}  // namespace quantize::test
