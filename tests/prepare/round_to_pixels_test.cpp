#include "pixel_fixture.h"
#include "prepare/pixel_input.h"

namespace quantize::test {
namespace {

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

TEST(RoundToPixels, TakesWhatTheModelNormalisesItself) {
  for (const char* name : {"imagenet", "unit", "raw"}) {
    for (const bool joins : {false, true}) {
      Model before = text_model(normalises_itself);
      EXPECT_EQ(joins ? join_affine(before) : "1 run", "1 run");
      const auto [after, output] = round_to_pixels(before, Preprocess::named(name)).value();
      EXPECT_EQ(output, "t") << name;
      check_model(after.proto, "after");
      EXPECT_EQ(operators(after), "QuantizeLinear Pad Cast Conv Relu") << name;
      expect_same_on_pictures(before, after, Preprocess::named(name));
    }
  }
}

TEST(RoundToPixels, TakesWhatIsNormalisedOnEitherSideOfATranspose) {
  const Model before = text_model(normalises_channels_last);
  const auto [after, output] = round_to_pixels(before, Preprocess::named("raw")).value();
  check_model(after.proto, "after");
  EXPECT_EQ(operators(after), "Transpose QuantizeLinear Pad Cast Conv");
  expect_same_on_pictures(before, after, Preprocess::named("raw"));
}

// Only what happens outside decides between which numbers the pixels lie.
TEST(RoundToPixels, TakesANegative) {
  const Model before = text_model(R"(g (float[1,3,7,9] x) => (float y) <float all = {255}, float[4,3,3,3] w> {
    n = Sub (all, x)  y = Conv <pads = [1,1,1,1]> (n, w)
  })");
  const auto [after, output] = round_to_pixels(before, Preprocess::named("raw")).value();
  EXPECT_EQ(operators(after), "QuantizeLinear Pad Cast Conv");
  expect_same_on_pictures(before, after, Preprocess::named("raw"));
}

TEST(RoundToPixels, SparesWhatIsToStay) {
  const Model model = with_name(text_model(normalises_itself), "Sub");
  EXPECT_FALSE(round_to_pixels(model, Preprocess(), [](const onnx::NodeProto& node) { return node.name() == "kept"; }));
}

TEST(RoundToPixels, LeavesAloneWhatIsNotOneConvolutionOfPictures) {
  Preprocess negative, two_means;
  negative.std = {-0.2F};
  two_means.mean = {0.1F, 0.2F};
  const std::pair<const char*, Preprocess> cases[] = {
      {padded, negative},
      {padded, two_means},
      {"g (float[1,3,4,4] x) => (float[1,3,4,4] y) { y = Relu (x) }", {}},
      {"g (float[1,3,4,5] x) => (float y) <float[5] r, float[3,3,1,1] w> { t = Mul (x, r)  y = Conv (t, w) }", {}},
      {"g (float[1,3,4,4] x) => (float y, float z) <float a = {2}, float[3,3,1,1] w> { t = Mul (x, a)  y = Conv (t, w)  z = Relu (t) }",
       {}},
      {"g (float[1,3,4,4] x) => (float[1,3,4,4] y, float[1,3,4,4] z) <float[3,3,1,1] w> { y = Conv (x, w)  z = Relu (x) }", {}},
      {"g (float[1,3,4,4] x) => (float[1,3,4,4] y) <float[3,1,1,1] w> { y = Conv <group = 3> (x, w) }", {}}};
  for (const auto& [graph, preprocess] : cases) {
    EXPECT_FALSE(round_to_pixels(text_model(graph), preprocess)) << graph;
  }
}

}  // namespace
}  // namespace quantize::test
