#include "prepare/pixel_input.h"

#include <random>

#include "dataset/image.h"
#include "pass_fixture.h"
#include "prepare/passes.h"
#include "prepare/value_types.h"
#include "support/error_text.h"

namespace quantize::test {
namespace {

Image random_picture(int width, int height, int channels = 3) {
  std::mt19937 random(7);
  Image picture{width, height, channels, {}};
  for (int i = 0; i < width * height * channels; ++i) picture.pixels.push_back(static_cast<std::uint8_t>(random() % 256));
  return picture;
}

Shape input_shape(const Model& model) {
  Shape shape;
  for (const auto& dimension : model.graph().input(0).type().tensor_type().shape().dim()) shape.push_back(dimension.dim_value());
  return shape;
}

// The same picture through the float model with pre-processing outside, and through the model of pixels.
void expect_same_result(const Model& before, const Model& after, const Preprocess& preprocess, Layout layout, double tolerance = 1e-5) {
  const Shape shape = input_shape(before);
  const bool last = channels_last(shape, preprocess.layout);
  const auto picture = random_picture(static_cast<int>(shape[last ? 2 : 3]), static_cast<int>(shape[last ? 1 : 2]));
  const auto expected = run_model(before.proto, {to_input(picture, shape, onnx::TensorProto::FLOAT, preprocess)});
  Preprocess pixels = pixels_of(preprocess);
  if (layout != Layout::automatic) pixels.layout = layout;
  const auto input = to_input(picture, input_shape(after), onnx::TensorProto::UINT8, pixels);
  EXPECT_EQ(input.type, onnx::TensorProto::UINT8);
  EXPECT_LE(largest_difference(expected, run_model(after.proto, {input})), tolerance);
}

constexpr const char* padded = R"(g (float[1,3,7,9] x) => (float[1,4,7,9] y) <float[4,3,3,3] w, float[4] b> {
  t = Conv <pads = [1,1,1,1]> (x, w, b)  y = Relu (t)
})";

TEST(TakePixels, NormalisesInsideTheModel) {
  const Model before = text_model(padded);
  Model after = before;
  take_pixels(after, Preprocess(), Layout::automatic);
  check_model(after.proto, "after");
  EXPECT_EQ(operators(after), "Cast BatchNormalization Conv Relu");
  EXPECT_EQ(after.graph().input(0).name(), "x");
  expect_same_result(before, after, Preprocess(), Layout::automatic);
}

TEST(TakePixels, KnowsEveryKindOfPreprocessing) {
  const Model before = text_model(padded);
  for (const char* name : {"imagenet", "unit", "signed", "raw"}) {
    for (const auto color : {ColorOrder::rgb, ColorOrder::bgr}) {
      Model after = before;
      Preprocess preprocess = Preprocess::named(name);
      preprocess.color = color;
      take_pixels(after, preprocess, Layout::automatic);
      expect_same_result(before, after, preprocess, Layout::automatic);
    }
  }
}

TEST(TakePixels, TakesACamerasFrame) {
  const Model before = text_model(padded);
  Model after = before;
  take_pixels(after, Preprocess(), Layout::nhwc);
  check_model(after.proto, "after");
  EXPECT_EQ(input_shape(after), (Shape{1, 7, 9, 3}));
  EXPECT_EQ(operators(after), "Transpose Cast BatchNormalization Conv Relu");
  expect_same_result(before, after, Preprocess(), Layout::nhwc);
}

TEST(TakePixels, GoesBehindTheTransposeOfAModelWithChannelsLast) {
  const Model before = text_model(R"(g (float[1,7,9,3] x) => (float[1,4,7,9] y) <float[4,3,3,3] w> {
    t = Transpose <perm = [0,3,1,2]> (x)  y = Conv <pads = [1,1,1,1]> (t, w)
  })");
  Model after = before;
  take_pixels(after, Preprocess(), Layout::automatic);
  check_model(after.proto, "after");
  EXPECT_EQ(operators(after), "Transpose Cast BatchNormalization Conv");
  expect_same_result(before, after, Preprocess(), Layout::automatic);
}

TEST(TakePixels, MultipliesAndAddsWhereTheChannelsStayLast) {
  const Model before = text_model("g (float[1,7,9,3] x) => (float[1,7,9,4] y) <float[3,4] w> { y = MatMul (x, w) }");
  Model after = before;
  take_pixels(after, Preprocess(), Layout::automatic);
  EXPECT_EQ(operators(after), "Cast Mul Add MatMul");
  expect_same_result(before, after, Preprocess(), Layout::automatic);
}

TEST(TakePixels, RefusesWhatTakesNoPicture) {
  const auto refuses = [](const char* graph, const Preprocess& preprocess, const std::string& why) {
    Model model = text_model(graph);
    expect_refusal([&] { take_pixels(model, preprocess, Layout::automatic); }, ErrorKind::usage, why);
  };
  refuses("g (float[1,3,4,4] a, float[1,3,4,4] b) => (float[1,3,4,4] y) { y = Add (a, b) }", {}, "this one has several");
  refuses("g (float[1,3] a) => (float[1,3] y) { y = Relu (a) }", {}, "a float picture of 3 or 4 dimensions");
  refuses("g (int64[1,3,4,4] a) => (int64[1,3,4,4] y) { y = Identity (a) }", {}, "a float picture of 3 or 4 dimensions");
  Preprocess two_means;
  two_means.mean = {1, 2};
  refuses(padded, two_means, "mean and std need one value, or one per channel (3)");
}

TEST(FoldPixelInput, PutsThePaddedConvolutionsShiftIntoAChannelOfItsOwn) {
  const Model before = text_model(padded);
  Model after = before;
  take_pixels(after, Preprocess(), Layout::automatic);
  EXPECT_FALSE(fold_batch_norm(after).empty());
  EXPECT_EQ(operators(after), "Cast Mul Add Conv Relu");
  EXPECT_FALSE(fold_pixel_input(after).empty());
  check_model(after.proto, "after");
  EXPECT_EQ(operators(after), "Pad Cast Conv Relu");
  EXPECT_EQ(shape_of(initializer_of(after, "w")), (Shape{4, 4, 3, 3}));
  expect_same_result(before, after, Preprocess(), Layout::automatic);
}

// PyTorch's exporter says of every weight what shape it has.
TEST(FoldPixelInput, WhatIsSaidAboutTheWeightGoes) {
  Model model = text_model(padded);
  claim(model, "w", shape_of(initializer_of(model, "w")));
  take_pixels(model, Preprocess(), Layout::automatic);
  fold_batch_norm(model);
  EXPECT_FALSE(fold_pixel_input(model).empty());
  EXPECT_EQ(model.graph().value_info_size(), 0);
  EXPECT_EQ(ValueTypes(model.proto).of("w").shape, (Shape{4, 4, 3, 3}));
}

TEST(FoldPixelInput, IsNotNeededWithoutPadding) {
  const Model before = text_model("g (float[1,3,7,9] x) => (float[1,4,5,7] y) <float[4,3,3,3] w> { y = Conv (x, w) }");
  Model after = before;
  take_pixels(after, Preprocess(), Layout::automatic);
  fold_batch_norm(after);
  EXPECT_EQ(operators(after), "Cast Conv");
  EXPECT_EQ(fold_pixel_input(after), "");
  expect_same_result(before, after, Preprocess(), Layout::automatic);
}

TEST(FoldPixelInput, KeepsWhatAnotherReaderNeeds) {
  for (const char* graph :
       {"g (uint8[1,3,4,4] p) => (float[1,4,4,4] y, float[1,3,4,4] z) <float[3,1,1] a, float[3,1,1] b, float[4,3,3,3] w> {"
        " v = Cast <to = 1> (p)  t = Mul (v, a)  x = Add (t, b)  y = Conv <pads = [1,1,1,1]> (x, w)  z = Relu (x) }",
        "g (uint8[1,3,4,4] p) => (float[1,3,4,4] y) <float[3,1,1] a, float[3,1,1] b, float[3,1,3,3] w> {"
        " v = Cast <to = 1> (p)  t = Mul (v, a)  x = Add (t, b)  y = Conv <pads = [1,1,1,1], group = 3> (x, w) }",
        "g (int32[1,3,4,4] p) => (float[1,4,4,4] y) <float[3,1,1] a, float[3,1,1] b, float[4,3,3,3] w> {"
        " v = Cast <to = 1> (p)  t = Mul (v, a)  x = Add (t, b)  y = Conv <pads = [1,1,1,1]> (x, w) }"})
    EXPECT_EQ(run_pass_on(graph, fold_pixel_input).detail, "") << graph;
}

// The same picture, normalised, through both.
void expect_same_on_pictures(const Model& before, const Model& after, const Preprocess& preprocess) {
  const Shape shape = input_shape(before);
  const bool last = channels_last(shape, preprocess.layout);
  const auto picture = random_picture(static_cast<int>(shape[last ? 2 : 3]), static_cast<int>(shape[last ? 1 : 2]));
  const auto input = to_input(picture, shape, onnx::TensorProto::FLOAT, preprocess);
  const auto expected = run_model(before.proto, {input});
  EXPECT_LE(largest_difference(expected, run_model(after.proto, {input})), 1e-5);
}

TEST(RoundToPixels, LosesNothingOfAPictureWhateverItsNormalisation) {
  const Model before = text_model(padded);
  for (const char* name : {"imagenet", "unit", "signed", "raw"}) {
    const Preprocess preprocess = Preprocess::named(name);
    const auto [after, output] = round_to_pixels(before, preprocess).value();
    EXPECT_EQ(output, "t") << name;
    check_model(after.proto, "after");
    // 127.5, the zero point of signed pixels, is none for integers: they are shifted first. Where zero is a pixel of zero, so is padding.
    const bool only_scaled = std::string(name) == "unit" || std::string(name) == "raw";
    const std::string nodes = only_scaled ? "QuantizeLinear Cast Conv Relu" : "QuantizeLinear Pad Cast Conv Relu";
    EXPECT_EQ(operators(after), std::string(name) == "signed" ? "Add " + nodes : nodes);
    const auto& scale = initializer_of(after, after.graph().node(std::string(name) == "signed" ? 1 : 0).input(1));
    EXPECT_EQ(scale.dims_size(), std::string(name) == "imagenet" ? 1 : 0) << "one scale where all are alike: " << name;
    expect_same_on_pictures(before, after, preprocess);
  }
}

TEST(RoundToPixels, TakesTheNearestPixelOfWhatLiesBetween) {
  const Model before = text_model("g (float[1,1,1,4] x) => (float[1,1,1,4] y) <float[1,1,1,1] w = {1}> { y = Conv (x, w) }");
  Preprocess preprocess = Preprocess::named("unit");
  preprocess.mean = {0.2F};  // 51 pixels
  preprocess.std = {0.5F};
  const auto [after, output] = round_to_pixels(before, preprocess).value();
  EXPECT_EQ(output, "y");
  const auto normal = [](float pixel) { return (pixel / 255 - 0.2F) / 0.5F; };
  const Tensor input = Tensor::of({1, 1, 1, 4}, std::vector<float>{normal(0), normal(50.9F), normal(100.2F), normal(300)});
  const auto result = run_model(after.proto, {input})[0];
  const auto values = result.as<float>();
  const float expected[] = {normal(0), normal(51), normal(100), normal(255)};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(values[i], expected[i], 1e-5) << i;
}

TEST(RoundToPixels, GoesBehindTheTransposeOfAModelWithChannelsLast) {
  const Model before = text_model(R"(g (float[1,7,9,3] x) => (float[1,4,7,9] y) <float[4,3,3,3] w> {
    t = Transpose <perm = [0,3,1,2]> (x)  y = Conv <pads = [1,1,1,1]> (t, w)
  })");
  const auto [after, output] = round_to_pixels(before, Preprocess()).value();
  EXPECT_EQ(output, "y");
  EXPECT_EQ(operators(after), "Transpose QuantizeLinear Pad Cast Conv");
  expect_same_on_pictures(before, after, Preprocess());
}

TEST(RoundToPixels, LeavesAloneWhatIsNotOneConvolutionOfPictures) {
  Preprocess negative, two_means;
  negative.std = {-0.2F};
  two_means.mean = {0.1F, 0.2F};
  const std::pair<const char*, Preprocess> cases[] = {
      {padded, negative},
      {padded, two_means},
      {"g (float[1,3,4,4] x) => (float[1,3,4,4] y) { y = Relu (x) }", {}},
      {"g (float[1,3,4,4] x) => (float[1,3,4,4] y, float[1,3,4,4] z) <float[3,3,1,1] w> { y = Conv (x, w)  z = Relu (x) }", {}},
      {"g (float[1,3,4,4] x) => (float[1,3,4,4] y) <float[3,1,1,1] w> { y = Conv <group = 3> (x, w) }", {}}};
  for (const auto& [graph, preprocess] : cases) {
    EXPECT_FALSE(round_to_pixels(text_model(graph), preprocess)) << graph;
  }
}

}  // namespace
}  // namespace quantize::test
