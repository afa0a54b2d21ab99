#include "prepare/pixel_input.h"

#include "pixel_fixture.h"
#include "prepare/value_types.h"
#include "support/error_text.h"

namespace quantize::test {
namespace {

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

// Joined, as preparation does, or as they are, where encodings are exchanged.
TEST(FoldPixelInput, TakesWhatTheModelNormalisesItself) {
  const Preprocess raw = Preprocess::named("raw");
  for (const bool joins : {false, true}) {
    const Model before = text_model(normalises_itself);
    Model after = before;
    take_pixels(after, raw, Layout::automatic);
    fold_batch_norm(after);
    EXPECT_EQ(operators(after), "Cast Mul Add Div Sub Div Conv Relu");
    if (joins) {
      EXPECT_EQ(join_affine(after), "1 run");
      EXPECT_EQ(operators(after), "Cast Mul Add Conv Relu");
    }
    EXPECT_FALSE(fold_pixel_input(after).empty());
    check_model(after.proto, "after");
    EXPECT_EQ(operators(after), "Pad Cast Conv Relu");
    expect_same_result(before, after, raw, Layout::automatic);
  }
}

TEST(FoldPixelInput, TurnsPixelsRatherThanValues) {
  const Preprocess raw = Preprocess::named("raw");
  const Model before = text_model(normalises_channels_last);
  Model after = before;
  take_pixels(after, raw, Layout::automatic);
  EXPECT_EQ(operators(after), "Cast Mul Add Mul Sub Transpose Div Conv");
  EXPECT_FALSE(fold_pixel_input(after).empty());
  check_model(after.proto, "after");
  EXPECT_EQ(operators(after), "Transpose Pad Cast Conv");
  expect_same_result(before, after, raw, Layout::automatic);
}

// Of a model that takes pixels by itself.
std::string pixel_model(const std::string& nodes) {
  return "g (uint8[1,3,9,9] p) => (float y) <float[3,1,1] a, float[3,1,1] b, float[9] row, float[4,3,3,3] w> {" + nodes + "}";
}

TEST(FoldPixelInput, NeedsNoChannelWhereNothingIsPaddedOrShifted) {
  for (const char* nodes : {"v = Cast <to = 1> (p)  t = Sub (v, a)  x = Mul (t, b)  y = Conv (x, w)",
                            "v = Cast <to = 1> (p)  x = Mul (v, b)  y = Conv <pads = [1,1,1,1]> (x, w)"}) {
    const auto result = run_pass_on(pixel_model(nodes), sparing_nothing(fold_pixel_input));
    EXPECT_EQ(operators(result.after), "Cast Conv") << nodes;
    EXPECT_EQ(shape_of(initializer_of(result.after, "w")), (Shape{4, 3, 3, 3}));
  }
}

TEST(FoldPixelInput, WhatIsSaidAboutTheValuesGoes) {
  Model model = text_model(pixel_model("v = Cast <to = 1> (p)  x = Sub (v, a)  y = Conv <pads = [1,1,1,1]> (x, w)"));
  claim(model, "v", {1, 3, 9, 9});
  const auto result = run_pass_on(model, sparing_nothing(fold_pixel_input));
  EXPECT_EQ(operators(result.after), "Pad Cast Conv");
  EXPECT_EQ(result.after.graph().value_info_size(), 0);
}

TEST(FoldPixelInput, KeepsWhatVariesWithinAChannel) {
  for (const char* nodes : {"v = Cast <to = 1> (p)  x = Mul (v, row)  y = Conv <pads = [1,1,1,1]> (x, w)",
                            "v = Cast <to = 1> (p)  t = Mul (v, a)  x = Add (t, row)  y = Conv (x, w)"})
    EXPECT_EQ(run_pass_on(pixel_model(nodes), sparing_nothing(fold_pixel_input)).detail, "") << nodes;
}

TEST(FoldPixelInput, SparesWhatIsToStay) {
  const Model model = text_model(pixel_model("v = Cast <to = 1> (p)  x = Sub (v, a)  y = Conv (x, w)"));
  for (const char* type : {"Cast", "Sub"}) EXPECT_EQ(run_pass_on(with_name(model, type), sparing_named(fold_pixel_input)).detail, "");
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
    EXPECT_EQ(run_pass_on(graph, sparing_nothing(fold_pixel_input)).detail, "") << graph;
}

}  // namespace
}  // namespace quantize::test
