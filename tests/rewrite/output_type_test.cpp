#include "rewrite/output_type.h"

#include <gtest/gtest.h>

#include "support/error_text.h"
#include "support/run_model.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

constexpr const char* quantized_output =
    R"(g (float[1,3,4,4] x) => (float[1,5,4,4] y) <float[5,3,1,1] w, float s = {0.0125}, uint8 z = {100}> {
  t = Conv (x, w)  q = QuantizeLinear (t, s, z)  y = DequantizeLinear (q, s, z)
})";

TEST(GiveIntegers, LeavesOutTheLastDequantizeLinearAndTellsTheScale) {
  Model model = text_model(quantized_output);
  const auto inputs = random_inputs(model.proto);
  const auto floats = values_of(run_model(model.proto, inputs)[0]);
  const auto given = give_integers(model);
  check_model(model.proto, "after");
  ASSERT_EQ(given.size(), 1U);
  EXPECT_EQ(given[0].name, "y");
  EXPECT_EQ(given[0].scale, 0.0125F);
  EXPECT_EQ(given[0].zero_point, 100);
  EXPECT_EQ(operators(model), "Conv QuantizeLinear");
  const auto result = run_model(model.proto, inputs)[0];
  EXPECT_EQ(result.type, onnx::TensorProto::UINT8);
  EXPECT_EQ(result.shape, (Shape{1, 5, 4, 4}));
  for (std::size_t i = 0; i < floats.size(); ++i)
    EXPECT_EQ(static_cast<float>(floats[i]), 0.0125F * static_cast<float>(result.as<std::uint8_t>()[i] - 100));
  ASSERT_EQ(model.proto.metadata_props_size(), 2);
  EXPECT_EQ(model.proto.metadata_props(0).key(), "quantize.scale.y");
  EXPECT_EQ(std::stof(model.proto.metadata_props(0).value()), 0.0125F);
  EXPECT_EQ(model.proto.metadata_props(1).value(), "100");
}

TEST(GiveIntegers, KeepsReadersInsideTheGraph) {
  Model model = text_model(R"(g (float[1,3] x) => (float[1,3] y, float[1,3] r) <float s = {0.01}, uint8 z = {128}> {
    q = QuantizeLinear (x, s, z)  y = DequantizeLinear (q, s, z)  t = Relu (y)  p = QuantizeLinear (t, s, z)  r = DequantizeLinear (p, s, z)
  })");
  EXPECT_EQ(give_integers(model).size(), 2U);
  check_model(model.proto, "after");
  EXPECT_EQ(operators(model), "QuantizeLinear DequantizeLinear Relu QuantizeLinear");
}

TEST(GiveIntegers, RefusesAnOutputThatIsNotQuantized) {
  Model model = text_model("g (float[1,3] x) => (float[1,3] y) { y = Relu (x) }");
  expect_refusal([&] { return give_integers(model); }, ErrorKind::usage, "output 'y' is not quantized");
}

TEST(GiveFloats, UndoesGiveIntegers) {
  Model model = text_model(quantized_output);
  const auto inputs = random_inputs(model.proto);
  const auto expected = run_model(model.proto, inputs);
  give_integers(model);
  ASSERT_TRUE(give_floats(model.proto));
  check_model(model.proto, "after");
  EXPECT_EQ(largest_difference(expected, run_model(model.proto, inputs)), 0);
}

TEST(GiveFloats, ChangesNothingWhereTheMetadataDoNotTell) {
  Model model = text_model(quantized_output);
  give_integers(model);
  auto& zero_point = *model.proto.mutable_metadata_props(1);
  const auto unchanged = [&] {
    const std::string before = model.proto.SerializeAsString();
    return !give_floats(model.proto) && model.proto.SerializeAsString() == before;
  };
  zero_point.set_value("nonsense");
  EXPECT_TRUE(unchanged());
  model.proto.clear_metadata_props();
  EXPECT_TRUE(unchanged());
}

std::vector<double> expected_classes(const Tensor& logits, std::size_t channels, std::size_t pixels) {
  std::vector<double> classes(pixels);
  const auto values = logits.as<float>();
  for (std::size_t p = 0; p < pixels; ++p) {
    std::size_t best = 0;
    for (std::size_t c = 1; c < channels; ++c) {
      if (values[c * pixels + p] > values[best * pixels + p]) best = c;
    }
    classes[p] = static_cast<double>(best);
  }
  return classes;
}

void to_classes(Model& model, std::optional<int> axis) {
  give_classes(model, axis, first_output_shape(model.proto, random_inputs(model.proto)));
  check_model(model.proto, "after");
}

TEST(GiveClasses, IsTheNumberOfTheGreatestChannel) {
  Model model = text_model("g (float[1,3,4,6] x) => (float[1,7,4,6] y) <float[7,3,1,1] w> { y = Conv (x, w) }");
  const auto inputs = random_inputs(model.proto);
  const auto logits = run_model(model.proto, inputs)[0];
  to_classes(model, 1);
  const auto result = run_model(model.proto, inputs)[0];
  EXPECT_EQ(model.graph().output(0).name(), "y");
  EXPECT_EQ(result.type, onnx::TensorProto::UINT8);
  EXPECT_EQ(result.shape, (Shape{1, 4, 6}));
  EXPECT_EQ(values_of(result), expected_classes(logits, 7, 24));
}

TEST(GiveClasses, TakesTheLastAxisAndTheFirstOfEquals) {
  Model model = text_model("g (float[1,2,3] x) => (float[1,2,3] y) { y = Identity (x) }");
  to_classes(model, 2);
  const auto result = run_model(model.proto, {Tensor::of({1, 2, 3}, std::vector<float>{1, 5, 5, 2, 1, 0})})[0];
  EXPECT_EQ(values_of(result), (std::vector<double>{1, 0}));
}

TEST(GiveClasses, OfOneChannelIsWhetherItIsOverOneHalf) {
  Model model = text_model("g (float[1,1,1,3] x) => (float[1,1,1,3] y) { y = Sigmoid (x) }");
  to_classes(model, 1);
  const auto result = run_model(model.proto, {Tensor::of({1, 1, 1, 3}, std::vector<float>{-1, 0, 1})})[0];
  EXPECT_EQ(result.shape, (Shape{1, 1, 3}));
  EXPECT_EQ(values_of(result), (std::vector<double>{0, 0, 1}));
}

TEST(GiveClasses, OfAPlaneWithoutClassesIsWhetherItIsOverOneHalf) {
  Model model = text_model("g (float[1,2,3] x) => (float[1,2,3] y) { y = Sigmoid (x) }");
  to_classes(model, std::nullopt);
  EXPECT_EQ(operators(model), "Sigmoid Greater Cast");
  const auto result = run_model(model.proto, {Tensor::of({1, 2, 3}, std::vector<float>{-1, 0, 1, 2, -2, 3})})[0];
  EXPECT_EQ(result.shape, (Shape{1, 2, 3}));
  EXPECT_EQ(values_of(result), (std::vector<double>{0, 0, 1, 1, 0, 1}));
}

TEST(GiveClasses, KeepsReadersOfTheLogits) {
  Model model = text_model("g (float[1,3,2,2] x) => (float[1,3,2,2] y, float[1,3,2,2] z) { y = Identity (x)  z = Relu (y) }");
  to_classes(model, 1);
  EXPECT_EQ(node_of(model, "z").input(0), "y_logits");
}

void expect_classes(Model model, std::size_t channels, std::size_t pixels, ElementType type) {
  const auto inputs = random_inputs(model.proto);
  const auto logits = run_model(model.proto, inputs)[0];
  to_classes(model, 1);
  const auto result = run_model(model.proto, inputs)[0];
  EXPECT_EQ(result.type, type);
  EXPECT_EQ(values_of(result), expected_classes(logits, channels, pixels));
}

// Free channels: what an exporter declares behind a Resize whose size was read from another tensor.
TEST(GiveClasses, CountsChannelsThatAreNotDeclared) {
  expect_classes(text_model("g (float[1,3,4,6] x) => (float[N,C,H,W] y) <float[7,3,1,1] w> { y = Conv (x, w) }"), 7, 24,
                 onnx::TensorProto::UINT8);
}

TEST(GiveClasses, OneFreeChannelIsNotAlwaysClassZero) {
  Model model = text_model("g (float[1,1,H,W] x) => (float[1,C,H,W] y) { y = Sigmoid (x) }");
  to_classes(model, 1);
  EXPECT_EQ(operators(model), "Sigmoid Greater Squeeze Cast");
  EXPECT_EQ(values_of(run_model(model.proto, {Tensor::of({1, 1, 1, 3}, std::vector<float>{-1, 0, 1})})[0]), (std::vector<double>{0, 0, 1}));
}

TEST(GiveClasses, MoreFreeChannelsThanAByteCanTellApartDoNotWrap) {
  expect_classes(text_model("g (float[1,3,2,2] x) => (float[1,C,2,2] y) <float[300,3,1,1] w> { y = Conv (x, w) }"), 300, 4,
                 onnx::TensorProto::INT64);
}

TEST(GiveClasses, TakesAnOutputWithoutDeclaredDimensions) {
  Model model = text_model("g (float[1,3,4,6] x) => (float y) <float[7,3,1,1] w> { y = Conv (x, w) }");
  to_classes(model, 1);
  EXPECT_EQ(shape_of(model.graph().output(0).type().tensor_type().shape()), (Shape{-1, -1, -1}));
  EXPECT_EQ(run_model(model.proto, random_inputs(model.proto))[0].shape, (Shape{1, 4, 6}));
}

// How often x is repeated is a value: only a run tells.
TEST(FirstOutputShape, IsThatOfARunWhereInferenceDoesNotTell) {
  const Model model = text_model(R"(g (float[1,3,2,2] x, int64[1] n) => (float[1,C,2,2] y) <int64[1] one = {1}, int64[2] two = {1, 1}> {
    r = Concat <axis = 0> (one, n, two)
    y = Tile (x, r)
  })");
  const std::vector<Tensor> inputs = {Tensor::zeros(onnx::TensorProto::FLOAT, {1, 3, 2, 2}),
                                      from_proto(make_tensor("", {1}, std::vector<std::int64_t>{2}))};
  EXPECT_EQ(first_output_shape(model.proto, inputs), (Shape{1, 6, 2, 2}));
}

TEST(FirstOutputShape, NeedsNoRunWhereInferenceTells) {
  const Model model = text_model("g (float[N,3,4,6] x) => (float y) <float[7,3,1,1] w> { y = Conv (x, w) }");
  EXPECT_EQ(first_output_shape(model.proto, {}), (Shape{-1, 7, 4, 6}));
}

TEST(GiveClasses, RefusesWhatHoldsNoLogits) {
  const auto refuses = [](const std::string& shape, const Shape& known, const std::string& why) {
    Model model = text_model("g (" + shape + " x) => (" + shape + " y) { y = Identity (x) }");
    expect_refusal([&] { give_classes(model, 1, known); }, ErrorKind::usage, "output 'y' " + why);
  };
  refuses("int64[1,3,2,2]", {1, 3, 2, 2}, "holds no 32-bit float per class");
  refuses("float[3]", {3}, "holds no 32-bit float per class");
  refuses("float[1,C,2,2]", {1, -1, 2, 2}, "does not tell how many classes it has");
}

}  // namespace
}  // namespace quantize::test
