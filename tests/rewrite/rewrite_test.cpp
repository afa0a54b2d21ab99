#include "rewrite/rewrite.h"

#include <gtest/gtest.h>

#include "encode/pair_overflow.h"
#include "encode/plan_fixture.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "model/graph.h"
#include "run/session.h"

namespace quantize::test {
namespace {

struct NetCase {
  const char* name;
  const char* graph;
};

void PrintTo(const NetCase& one, std::ostream* stream) { *stream << one.name; }

const NetCase nets[] = {
    {"Mixed",
     R"(g (float[1,3,8,8] x) => (float[1,5,16,16] y) <float[4,3,3,3] w, float[4] b, float[4,4,3,3] v, float[5,8,1,1] u, float[5] d, float[4] s = {1,1,2,2}> {
      a = Conv <pads = [1,1,1,1]> (x, w, b)
      r = Relu (a)
      c = Conv <pads = [1,1,1,1]> (r, v)
      e = Add (c, r)
      k = Concat <axis = 1> (e, r)
      z = Resize <mode = "nearest"> (k, , s)
      y = Conv (z, u, d)
    })"},
    {"Depthwise",
     R"(g (float[1,4,8,8] x) => (float[1,3,4,4] y) <float[4,1,3,3] w, float[4] b, float[3,4,1,1] v, float l = {0}, float h = {6}> {
      a = Conv <group = 4, pads = [1,1,1,1], strides = [2,2]> (x, w, b)
      r = Clip (a, l, h)
      y = Conv (r, v)
    })"},
    {"GroupedConvTranspose", R"(g (float[1,4,5,5] x) => (float[1,2,10,10] y) <float[4,3,2,2] w, float[6] b, float[2,6,1,1] v> {
      a = ConvTranspose <group = 2, strides = [2,2]> (x, w, b)
      y = Conv (a, v)
    })"},
    {"Gemm", R"(g (float[2,6] x) => (float[2,3] y) <float[5,6] w, float[5] b, float[5,3] v, float[3] d> {
      a = Gemm <transB = 1> (x, w, b)
      r = Relu (a)
      y = Gemm (r, v, d)
    })"},
    {"GemmWithAValuePerRow", R"(g (float[3,6] x) => (float[3,3] y) <float[6,3] w, float[3,1] b, float[3,3] v> {
      a = Gemm (x, w, b)
      y = Gemm (a, v)
    })"},
    {"MatMul", R"(g (float[1,4,6] x) => (float[1,4,3] y) <float[6,5] w, float[5,3] v> {
      a = MatMul (x, w)
      s = Sigmoid (a)
      y = MatMul (s, v)
    })"},
    {"OneDimension", R"(g (float[1,3,20] x) => (float[1,2,20] y) <float[4,3,5] w, float[4] b, float[2,4,1] v> {
      a = Conv <pads = [2,2]> (x, w, b)
      r = Relu (a)
      y = Conv (r, v)
    })"},
    {"ThreeDimensions", R"(g (float[1,2,4,4,4] x) => (float[1,2,4,4,4] y) <float[3,2,3,3,3] w, float[3] b, float[2,3,1,1,1] v> {
      a = Conv <pads = [1,1,1,1,1,1]> (x, w, b)
      r = Relu (a)
      y = Conv (r, v)
    })"},
};

class Rewritten : public testing::TestWithParam<std::tuple<NetCase, std::string>> {
 protected:
  Scheme scheme_ = scheme_named(std::get<1>(GetParam()));
  PlannedGraph plan_ = planned();
  Model result_ = rewrite(plan_.prepared, plan_.placement, plan_.encodings);

 private:
  // As the pipeline plans: without sums that processors without VNNI would cut.
  [[nodiscard]] PlannedGraph planned() const {
    auto plan = plan_graph(text_model_for(scheme_, std::get<0>(GetParam()).graph), scheme_);
    avoid_pair_overflow(plan.prepared, plan.placement, plan.statistics, plan.encodings);
    return plan;
  }
};

// Error of the output relative to its largest magnitude: a quantized layer loses at most about half a step of each operand, and these nets
// have three in a row.
double tolerance_of(const Scheme& scheme) { return scheme.weight_bits == 4 ? 0.3 : scheme.activation_bits == 8 ? 0.03 : 0.02; }

TEST_P(Rewritten, IsValidAndComputesNearlyTheSame) {
  ASSERT_NO_THROW(check_model(result_.proto, "rewritten"));
  const auto inputs = random_inputs(plan_.prepared.proto, 2);  // one of the calibration samples
  const auto expected = run_model(plan_.prepared.proto, inputs);
  for (const auto optimization : {Optimization::none, Optimization::all}) {
    const auto actual = Session(result_.proto, {.threads = 1, .optimization = optimization}).run(inputs);
    const double difference = largest_difference(expected, actual);
    EXPECT_LE(difference, tolerance_of(scheme_));
    EXPECT_GT(difference, 0);
  }
}

TEST_P(Rewritten, BiasScalesAreExactProducts) {
  const GraphIndex index(result_.graph());
  int biases = 0;
  for (const auto& weighted : plan_.placement.weighted) {
    if (weighted.op.bias.empty()) continue;
    for (const auto& node : result_.graph().node()) {
      if (node.op_type() != "DequantizeLinear" || index.initializer(node.input(0)) == nullptr) continue;
      const auto& stored = *index.initializer(node.input(0));
      if (stored.data_type() != onnx::TensorProto::INT32 || index.uses(node.output(0)).at(0).input != 2) continue;
      const auto& reader = index.node(index.uses(node.output(0))[0].node);
      const auto scale_of = [&](const std::string& tensor) { return float_values(*index.initializer(index.producer(tensor)->input(1))); };
      const auto input = scale_of(reader.input(0)), weight = scale_of(reader.input(1)), bias = scale_of(node.output(0));
      for (std::size_t i = 0; i < bias.size(); ++i) EXPECT_EQ(bias[i], input[0] * weight[i % weight.size()]);
      ++biases;
    }
    break;
  }
  int planned = 0;
  const GraphIndex before(plan_.prepared.graph());
  for (const auto& weighted : plan_.placement.weighted) {
    const auto* bias = before.initializer(weighted.op.bias);
    planned += static_cast<int>(bias != nullptr && is_channel_bias(*bias, weighted.op));
  }
  EXPECT_EQ(biases, planned);
}

TEST_P(Rewritten, InputsAndOutputsAreUnchanged) {
  ASSERT_EQ(result_.graph().input_size(), plan_.prepared.graph().input_size());
  EXPECT_EQ(serialize(result_.graph().input(0)), serialize(plan_.prepared.graph().input(0)));
  ASSERT_EQ(result_.graph().output_size(), 1);
  EXPECT_EQ(serialize(result_.graph().output(0)), serialize(plan_.prepared.graph().output(0)));
}

TEST_P(Rewritten, WeightsAreIntegersOfThePlannedType) {
  int found = 0;
  for (const auto& tensor : result_.graph().initializer()) {
    if (tensor.data_type() != scheme_.weight_type() || tensor.dims_size() < 2) continue;
    ++found;
    const auto count = static_cast<std::size_t>(element_count(shape_of(tensor)));
    EXPECT_EQ(tensor.raw_data().size(), scheme_.weight_bits == 4 ? (count + 1) / 2 : count);
  }
  EXPECT_EQ(found, static_cast<int>(plan_.placement.weighted.size()));
}

INSTANTIATE_TEST_SUITE_P(Nets, Rewritten, testing::Combine(testing::ValuesIn(nets), testing::Values("w8a8", "w8a16", "w4a16")),
                         [](const auto& row) { return std::string(std::get<0>(row.param).name) + "_" + std::get<1>(row.param); });

constexpr const char* relu_net = R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w, float[2,2,1,1] v> {
  a = Conv (x, w)
  r = Relu (a)
  y = Conv (r, v)
})";

Model rewrite_text(std::string_view text, const Scheme& scheme, const Exclusions& exclusions = {}) {
  const auto plan = plan_graph(text_model_for(scheme, text), scheme, find_target("ort-cpu"), exclusions);
  Model result = rewrite(plan.prepared, plan.placement, plan.encodings);
  EXPECT_NO_THROW(check_model(result.proto, "rewritten"));
  const auto inputs = random_inputs(plan.prepared.proto, 2);
  EXPECT_LE(largest_difference(run_model(plan.prepared.proto, inputs), run_model(result.proto, inputs)), 0.05);
  return result;
}

TEST(Rewrite, AReluThatTheEncodingImpliesIsDropped) { EXPECT_EQ(count_nodes(rewrite_text(relu_net, scheme_named("w8a8")), "Relu"), 0); }

TEST(Rewrite, AReluBehindASymmetricEncodingIsKept) {
  Scheme scheme = scheme_named("w8a8");
  scheme.activations = Symmetry::symmetric;
  EXPECT_EQ(count_nodes(rewrite_text(relu_net, scheme), "Relu"), 1);
}

TEST(Rewrite, AClipThatReachesAboveItsBoundsIsKept) {
  constexpr const char* text =
      R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w, float[2,2,1,1] v, float l = {0.1}, float h = {6}> {
    a = Conv (x, w)
    r = Clip (a, l, h)
    y = Conv (r, v)
  })";
  EXPECT_EQ(count_nodes(rewrite_text(text, scheme_named("w8a8")), "Clip"), 1);  // the encoding begins at 0, the Clip at 0.1
}

TEST(Rewrite, AReluWhoseInputIsAGraphOutputIsKept) {
  const Model result = rewrite_text(R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y, float[1,2,6,6] a) <float[2,2,1,1] w, float[2,2,1,1] v> {
    a = Erf (x)
    r = Relu (a)
    y = Conv (r, v)
  })",
                                    scheme_named("w8a8"));
  EXPECT_EQ(count_nodes(result, "Relu"), 1);
  EXPECT_NO_THROW(node_of(result, "a"));
}

TEST(Rewrite, ExcludedNodesReadAndMakeFloat) {
  const Model result = rewrite_text(relu_net, scheme_named("w8a8"), {{"a"}, {}, {}});
  const auto& conv = node_of(result, "r");  // the Relu behind it is still implied by the encoding of r
  EXPECT_EQ(conv.op_type(), "Conv");
  EXPECT_EQ(conv.input(0), "x");
  EXPECT_EQ(conv.input(1), "w");
}

TEST(Rewrite, ATensorThatIsAlsoAGraphOutputKeepsItsName) {
  const Model result = rewrite_text(R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y, float[1,2,6,6] r) <float[2,2,1,1] w, float[2,2,1,1] v> {
    a = Conv (x, w)
    r = Relu (a)
    y = Conv (r, v)
  })",
                                    scheme_named("w8a8"));
  EXPECT_EQ(node_of(result, "r").op_type(), "DequantizeLinear");
}

TEST(Rewrite, SharedWeightsAreStoredOnce) {
  const Model result = rewrite_text(R"(g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w> {
    a = Conv (x, w)
    y = Conv (a, w)
  })",
                                    scheme_named("w8a8"));
  int weights = 0;
  for (const auto& tensor : result.graph().initializer()) weights += static_cast<int>(tensor.data_type() == onnx::TensorProto::INT8);
  EXPECT_EQ(weights, 1);
}

TEST(Rewrite, SubgraphsReadDequantizedValues) {
  const Model result = rewrite_text(R"(g (float[1,2,6,6] x, bool c) => (float[1,2,6,6] y) <float[2,2,1,1] w, float[2,2,1,1] v> {
    a = Conv (x, w)
    b = Conv (a, v)
    i = If (c) <then_branch = p () => (float[1,2,6,6] q) { q = Erf (a) }, else_branch = e () => (float[1,2,6,6] f) { f = Neg (a) }>
    y = Mul (b, i)
  })",
                                    scheme_named("w8a8"));
  EXPECT_NE(captured_tensors(node_of(result, "i")), std::set<std::string>{"a"});
}

TEST(Rewrite, ActivationsAloneKeepFloatWeights) {
  const auto plan = plan_graph(text_model(relu_net), scheme_named("w8a8"));
  const Model simulated = rewrite(plan.prepared, plan.placement, plan.encodings, {.weights = false});
  EXPECT_EQ(count_nodes(simulated, "QuantizeLinear"), 2);
  EXPECT_EQ(count_nodes(simulated, "DequantizeLinear"), 2);
  EXPECT_NO_THROW(initializer_of(simulated, "w"));
}

TEST(Rewrite, NamesOfDequantizedTensors) {
  const auto plan = plan_graph(text_model(relu_net), scheme_named("w8a8"));
  const Model result = rewrite(plan.prepared, plan.placement, plan.encodings);
  const GraphIndex index(result.graph());  // one for all names
  EXPECT_EQ(node_of(result, dequantized_name(index, "x")).op_type(), "DequantizeLinear");
  EXPECT_EQ(dequantized_name(index, "y"), "y");  // not quantized
}

TEST(Rewrite, FloatOperatorsReadWhatFloatOperatorsMadeBeforeItIsRounded) {
  const Model model = text_model(prelu_block);
  const auto plan = plan_graph(model, scheme_named("w8a8"));
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  const GraphIndex index(written.graph());
  const auto sum = std::ranges::find(written.graph().node(), "Add", [](const auto& node) { return node.op_type(); });
  ASSERT_NE(sum, written.graph().node().end());
  EXPECT_EQ(index.producer(sum->input(0))->op_type(), "Max") << "the PRelu's own values";
  EXPECT_EQ(index.producer(sum->input(1))->op_type(), "Conv") << "an integer product with a float result (point_products.h)";
}

TEST(Rewrite, OnlyQuantizedArithmeticReadsAConstantInIntegers) {
  const auto plan = plan_graph(text_model("g (float[1,2,4,4] x) => (float y) <float[2,2,1,1] w, float[2,1,1] k, float[2,2,1,1] v> { "
                                          "c = Conv (x, w)  t = Mul (c, k)  d = Conv (t, v)  s = Sub (d, k)  y = Conv (s, v) }"),
                               scheme_named("w8a8"));
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  EXPECT_NE(node_of(written, "t").input(1), "k");
  const auto sub = std::ranges::find(written.graph().node(), "Sub", [](const auto& node) { return node.op_type(); });
  EXPECT_EQ(sub->input(1), "k") << "it stays float, and so does what it reads";
}

}  // namespace
}  // namespace quantize::test
