// What ONNX Runtime makes of the rewritten graph: a model whose nodes are not fused into integer kernels is correct, small and slow.
#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "model/edit.h"
#include "model/graph.h"
#include "rewrite/point_products.h"
#include "rewrite/rewrite.h"
#include "rewrite/slim.h"
#include "run/optimized_graph.h"
#include "run/session.h"
#include "verify/verify.h"

namespace quantize::test {
namespace {

Model optimized_by_runtime(const Model& model) {
  Model optimized;
  optimized.proto = optimized_graph(model.proto);
  return optimized;
}

Model optimized_text(std::string_view text, Scheme scheme = scheme_named("w8a8")) {
  const auto plan = plan_graph(text_model_for(scheme, text), scheme);
  return optimized_by_runtime(rewrite(plan.prepared, plan.placement, plan.encodings));
}

TEST(IntegerKernels, ResidualNet) {
  const Model optimized = optimized_text(residual_graph);
  EXPECT_EQ(count_nodes(optimized, "Conv"), 1);  // the last one makes the model's float output
  EXPECT_EQ(count_nodes(optimized, "QLinearConv"), 2);
  EXPECT_EQ(count_nodes(optimized, "QLinearAdd"), 1);
  EXPECT_EQ(count_nodes(optimized, "Add"), 0);
  EXPECT_EQ(count_nodes(optimized, "QuantizeLinear"), 1);  // the input only
  EXPECT_EQ(count_nodes(optimized, "Relu"), 0);
}

// Left alone, ONNX Runtime would quantize the weights of the excluded layer per tensor.
TEST(IntegerKernels, AnExcludedLayerStaysFloatBetweenQuantizedOnes) {
  for (const char* layer : {"c = Conv <pads = [1,1,1,1]> (r, v, d)", "c = ConvTranspose <pads = [1,1,1,1]> (r, v, d)"}) {
    const Model model = text_model(
        R"(g (float[1,8,8,8] x) => (float[1,8,8,8] y) <float[8,8,1,1] w, float[8,8,3,3] v, float[8] d, float[8,8,1,1] u, float[8,8,1,1] t> {
      a = Conv (x, w)
      r = Relu (a)
      )" +
        std::string(layer) + R"(
      e = Relu (c)
      f = Conv (e, u)
      y = Conv (f, t)
    })");
    const auto plan = plan_graph(model, scheme_named("w8a8"), find_target("ort-cpu"), {.nodes = {"c"}, .op_types = {}, .patterns = {}});
    const Model result = rewrite(plan.prepared, plan.placement, plan.encodings), optimized = optimized_by_runtime(result);
    for (const auto& tensor : optimized.graph().initializer()) {
      if (tensor.dims_size() != 4 || tensor.dims(2) != 3) continue;
      EXPECT_EQ(tensor.data_type(), onnx::TensorProto::FLOAT) << layer;
    }
    EXPECT_EQ(count_nodes(optimized, "QLinearConv"), 2) << layer;
    EXPECT_EQ(count_nodes(result, "Sum"), 1) << layer;
  }
}

// ONNX Runtime would move the pair of int8 values behind what moves them, and refuse it there.
TEST(IntegerKernels, WhatMovesIntegersWithASignInFloatIsLoaded) {
  const Model model = text_model(
      R"(g (float[1,8,8,8] x) => (float[8,64] y, float[1,8,8,8] z) <float[8,8,1,1] w, float[8,8,1,1] v, int64[2] s = {8,64}> {
    a = Conv (x, w)
    r = Reshape (a, s)
    y = Erf (r)
    z = Conv (a, v)
  })",
      21, 10);
  auto scheme = scheme_named("w8a8");
  scheme.activations = Symmetry::symmetric;
  const auto plan = plan_graph(model, scheme, find_target("qnn"), {.nodes = {"r"}, .op_types = {}, .patterns = {}});
  const Model result = rewrite(plan.prepared, plan.placement, plan.encodings);
  EXPECT_EQ(count_nodes(result, "Sum"), 1);
  EXPECT_NO_THROW(Session(result.proto).run(random_inputs(model.proto)));
}

TEST(IntegerKernels, ClipSixNet) {
  const Model optimized = optimized_text(
      R"(g (float[1,8,8,8] x) => (float[1,8,8,8] y) <float[8,8,1,1] w, float[8,1,3,3] v, float[8,8,1,1] u, float l = {0}, float h = {6}> {
    a = Conv (x, w)
    b = Clip (a, l, h)
    c = Conv <group = 8, pads = [1,1,1,1]> (b, v)
    d = Clip (c, l, h)
    y = Conv (d, u)
  })");
  EXPECT_EQ(count_nodes(optimized, "QLinearConv"), 2);
  EXPECT_EQ(count_nodes(optimized, "Clip"), 0);
  EXPECT_EQ(count_nodes(optimized, "QuantizeLinear"), 1);
}

TEST(IntegerKernels, ConcatAndMaxPool) {
  const Model optimized =
      optimized_text(R"(g (float[1,8,8,8] x) => (float[1,8,4,4] y) <float[8,8,1,1] w, float[8,8,1,1] v, float[8,16,1,1] u> {
    a = Conv (x, w)
    b = Conv (x, v)
    c = Concat <axis = 1> (a, b)
    p = MaxPool <kernel_shape = [2,2], strides = [2,2]> (c)
    y = Conv (p, u)
  })");
  EXPECT_EQ(count_nodes(optimized, "QLinearConv"), 2);
  EXPECT_EQ(count_nodes(optimized, "QLinearConcat"), 1);
  EXPECT_EQ(count_nodes(optimized, "QuantizeLinear"), 1);
}

// --- What is known to lose integer kernels. Each has a test that the plan avoids it, and one that it is real ---

constexpr const char* clip_six =
    R"(g (float[1,8,8,8] x) => (float[1,8,8,8] y) <float[8,8,1,1] w, float[8] b, float[8,8,1,1] u, float l = {0}, float h = {6}> {
    a = Conv (x, w, b)
    c = Clip (a, l, h)
    y = Conv (c, u)
  })";

// One percent of headroom above Clip's bound keeps the Clip, and with it the float kernel.
TEST(IntegerKernels, AScaleAboveSixOver255IsNeverPlanned) {
  auto plan = plan_graph(text_model(clip_six), scheme_named("w8a8"));
  auto& encoding = plan.encodings.activations.at("c");
  EXPECT_LE(encoding.scale[0], 6.0F / 255);
  EXPECT_EQ(count_nodes(optimized_by_runtime(rewrite(plan.prepared, plan.placement, plan.encodings)), "QLinearConv"), 1);
  encoding.scale = {6.06F / 255};
  const Model spoilt = optimized_by_runtime(rewrite(plan.prepared, plan.placement, plan.encodings));
  EXPECT_EQ(count_nodes(spoilt, "QLinearConv"), 0);  // the Clip is fused into a float convolution
}

// verify() refuses such a file; here is why: another scale is another model to the runtime.
TEST(IntegerKernels, TheBiasScaleIsTheProductBitForBit) {
  const auto plan = plan_graph(text_model(clip_six), scheme_named("w8a8"));
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  const GraphIndex index(written.graph());
  int biases = 0;
  for (const auto& node : written.graph().node()) {
    if (node.op_type() != "Conv" || node.input_size() < 3) continue;
    const auto scale_of = [&](const std::string& tensor) { return float_values(*index.initializer(index.producer(tensor)->input(1))); };
    const auto input = scale_of(node.input(0)), weight = scale_of(node.input(1)), bias = scale_of(node.input(2));
    ASSERT_EQ(bias.size(), weight.size());
    for (std::size_t i = 0; i < bias.size(); ++i) EXPECT_EQ(bias[i], input[0] * weight[i]);
    ++biases;
  }
  EXPECT_EQ(biases, 1);
}

// Pairs at the inputs of Conv alone leave the Add of a residual block in float.
TEST(IntegerKernels, TheAddOfAResidualBlockHasPairsOnBothInputsAndItsOutput) {
  auto plan = plan_graph(text_model(residual_graph), scheme_named("w8a8"));
  EXPECT_EQ(count_nodes(optimized_by_runtime(rewrite(plan.prepared, plan.placement, plan.encodings)), "QLinearAdd"), 1);
  plan.encodings.activations.erase("c");  // what a quantizer of Conv inputs leaves out
  const Model spoilt = optimized_by_runtime(rewrite(plan.prepared, plan.placement, plan.encodings));
  EXPECT_EQ(count_nodes(spoilt, "QLinearAdd"), 0);
  EXPECT_EQ(count_nodes(spoilt, "QLinearConv"), 1);
}

// Without the zero points of its weights ONNX Runtime computes it in float, and dequantizes all that it reads.
TEST(IntegerKernels, AGemmRunsOnIntegersWhetherItsResultIsRoundedOrNot) {
  const Model optimized = optimized_text(R"(g (float[4,8] x) => (float[4,3] y) <float[8,16] w, float[16] b, float[3,16] v, float[3] c> {
    a = Gemm (x, w, b)
    r = Relu (a)
    y = Gemm <transB = 1> (r, v, c)
  })");
  EXPECT_EQ(count_nodes(optimized, "QGemm"), 2) << operators(optimized);
  EXPECT_EQ(count_nodes(optimized, "DequantizeLinear"), 0) << operators(optimized);
}

TEST(IntegerKernels, NearestResizeRunsOnIntegers) {
  const auto plan =
      plan_graph(text_model(R"(g (float[1,8,8,8] x) => (float[1,8,16,16] y) <float[8,8,1,1] w, float[8,8,1,1] u, float[4] s = {1,1,2,2}> {
    a = Conv (x, w)
    z = Resize <mode = "nearest", coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"> (a, , s)
    y = Conv (z, u)
  })"),
                 scheme_named("w8a8"));
  EXPECT_EQ(plan.encodings.activations.at("a").scale, plan.encodings.activations.at("z").scale);
  const Model optimized = optimized_by_runtime(rewrite(plan.prepared, plan.placement, plan.encodings));
  EXPECT_EQ(count_nodes(optimized, "QuantizeLinear"), 1);
  EXPECT_EQ(count_nodes(optimized, "DequantizeLinear"), 2);  // of the last, float convolution's input and weight
  auto spoilt = plan.encodings;
  spoilt.activations.at("z").scale[0] *= 1.5F;
  const Model other = optimized_by_runtime(rewrite(plan.prepared, plan.placement, spoilt));
  EXPECT_GT(count_nodes(other, "QuantizeLinear") + count_nodes(other, "DequantizeLinear"), 3);
}

// Operators without an integer kernel stay float between one DequantizeLinear and one QuantizeLinear, and the convolutions around them are
// integer all the same.
struct FloatOperator {
  const char* name;
  const char* line;    // a -> r
  const char* inside;  // the operators it is expected to run as
};
void PrintTo(const FloatOperator& one, std::ostream* stream) { *stream << one.name; }

class FloatOperators : public testing::TestWithParam<FloatOperator> {};

TEST_P(FloatOperators, CostOnePairAndNoKernelOfTheirNeighbours) {
  const std::string text =
      "g (float[1,8,8,8] x) => (float y) <float[8,8,1,1] w, float[8,1,1] p, float[4] s = {1,1,2,2}, float[8,8,2,2] t, "
      "float[8,8,1,1] v, float[8,8,1,1] u> {\n a = Conv (x, w)\n " +
      std::string(GetParam().line) + "\n c = Conv (r, v)\n y = Conv (c, u)\n}";
  const auto plan = plan_graph(text_model(text), scheme_named("w8a8"));
  Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  multiply_points(written, {});
  const Model optimized = optimized_by_runtime(written);
  EXPECT_EQ(count_nodes(optimized, "QLinearConv") + count_nodes(optimized, "QGemm"), 3) << "the last one's result is float";
  EXPECT_EQ(count_nodes(optimized, GetParam().inside), 1);
  EXPECT_LE(count_nodes(optimized, "QuantizeLinear"), 2);    // of the input, and behind the operator
  EXPECT_LE(count_nodes(optimized, "DequantizeLinear"), 2);  // before the operator and of its constant
}

INSTANTIATE_TEST_SUITE_P(IntegerKernels, FloatOperators,
                         testing::Values(FloatOperator{"PRelu", "r = PRelu (a, p)", "Max"},
                                         FloatOperator{"BilinearResize", "r = Resize <mode = \"linear\"> (a, , s)", "Resize"},
                                         FloatOperator{"ConvTranspose", "r = ConvTranspose <strides = [2,2]> (a, t)", "ConvTranspose"}),
                         [](const auto& one) { return std::string(one.param.name); });

TEST(IntegerKernels, SigmoidHasAnIntegerKernel) {
  const Model optimized = optimized_text(R"(g (float[1,8,8,8] x) => (float[1,8,8,8] y) <float[8,8,1,1] w, float[8,8,1,1] u> {
    a = Conv (x, w)
    r = Sigmoid (a)
    y = Conv (r, u)
  })");
  EXPECT_EQ(count_nodes(optimized, "QLinearSigmoid"), 1);
  EXPECT_EQ(count_nodes(optimized, "QLinearConv"), 1);
  EXPECT_EQ(count_nodes(optimized, "QuantizeLinear"), 1);
}

TEST(IntegerKernels, TheFloatModelHasNone) {
  const Model optimized = optimized_by_runtime(text_model(residual_graph));
  EXPECT_EQ(count_nodes(optimized, "QLinearConv"), 0);
}

// Products that are left to the runtime are constants before it looks for integer kernels.
TEST(IntegerKernels, ScalesOfBiasesThatAreMultipliedWhenTheModelIsLoaded) {
  const Model model = text_model(R"(g (float[1,8,8,8] x) => (float[1,8,8,8] y)
    <float[64,8,1,1] w, float[64] p, float[64,1,3,3] v, float[64] q, float[8,64,1,1] u, float[8] r> {
    first_layer_with_a_long_name = Conv (x, w, p)
    second_layer_with_a_long_name = Conv <pads = [1,1,1,1], group = 64> (first_layer_with_a_long_name, v, q)
    y = Conv (second_layer_with_a_long_name, u, r)
  })");
  const auto plan = plan_graph(model, scheme_named("w8a8"));
  const Model before = rewrite(plan.prepared, plan.placement, plan.encodings);
  Model after = before;
  slim(after.proto, true);
  EXPECT_EQ(count_nodes(after, "Mul"), 2) << "the last layer has eight channels: no room is gained";
  EXPECT_LT(after.proto.ByteSizeLong() + 200, before.proto.ByteSizeLong());
  EXPECT_TRUE(check_biases(after.proto).empty());
  expect_same_function(before.proto, after.proto, 0);
  const Model optimized = optimized_by_runtime(after);
  EXPECT_EQ(count_nodes(optimized, "QLinearConv"), 2);
  EXPECT_EQ(count_nodes(optimized, "Mul"), 0);

  for (auto& tensor : *after.graph().mutable_initializer()) {
    if (tensor.data_type() == onnx::TensorProto::FLOAT && tensor.dims_size() == 1 && tensor.dims(0) == 64)
      put_initializer(after.graph(), make_tensor(tensor.name(), {64}, std::vector<float>(64, 0.1F)));
  }
  for (const auto& issue : check_biases(after.proto)) ADD_FAILURE() << issue << ": products follow their factors";
}

// Excluded operators without weights: between quantized neighbours the runtime would compute them on integers all the same.
TEST(IntegerKernels, WhatIsExcludedStaysFloat) {
  const std::pair<const char*, const char*> nodes[] = {{"Add", "Add (a, b)"},
                                                       {"Mul", "Mul (a, b)"},
                                                       {"Concat", "Concat <axis = 0> (a, b)"},
                                                       {"Sigmoid", "Sigmoid (a)"},
                                                       {"LeakyRelu", "LeakyRelu (a)"},
                                                       {"AveragePool", "AveragePool <kernel_shape = [2,2]> (a)"},
                                                       {"GlobalAveragePool", "GlobalAveragePool (a)"}};
  for (const auto& [type, node] : nodes) {
    const Model model = text_model(
        "g (float[1,2,4,4] x) => (float y, float z) <float[2,2,1,1] w, float[2,2,1,1] v> { a = Conv (x, w)  "
        "b = Conv (a, v)  c = " +
        std::string(node) + "  d = Conv (c, v)  y = Conv (d, w)  e = Conv (b, w)  z = Conv (e, v) }");
    for (const bool excluded : {false, true}) {
      const Exclusions exclusions{
          .nodes = excluded ? std::vector<std::string>{"c"} : std::vector<std::string>{}, .op_types = {}, .patterns = {}};
      const auto plan = plan_graph(model, scheme_named("w8a8"), find_target("ort-cpu"), exclusions);
      const Model result = rewrite(plan.prepared, plan.placement, plan.encodings);
      EXPECT_EQ(count_nodes(result, "Sum"), excluded ? 1 : 0) << type;
      EXPECT_EQ(count_nodes(optimized_by_runtime(result), "QLinear" + std::string(type)), excluded ? 0 : 1) << type;
    }
  }
}

// The runtime takes it for one without, and then cannot load the model.
TEST(IntegerKernels, APoolWithDilationsStaysFloat) {
  const Model model = text_model(
      "g (float[1,2,6,6] x) => (float y) <float[2,2,1,1] w, float[2,2,3,3] v> { a = Conv (x, w)  "
      "b = AveragePool <kernel_shape = [2,2], dilations = [2,2]> (a)  c = Conv (b, v)  y = Conv (c, w) }",
      19, 9);
  const auto plan = plan_graph(model, scheme_named("w8a8"));
  const Model result = rewrite(plan.prepared, plan.placement, plan.encodings);
  const auto inputs = random_inputs(model.proto, 2);
  EXPECT_LE(largest_difference(run_model(model.proto, inputs), Session(result.proto).run(inputs)), 0.05);
}

}  // namespace
}  // namespace quantize::test
