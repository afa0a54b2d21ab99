// HardSwish between convolutions as a depthwise convolution and a product of integers: where, with which values, on which kernels.
#include "encode/integer_activation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/edit.h"
#include "plan_fixture.h"
#include "rewrite/rewrite.h"
#include "run/optimized_graph.h"
#include "run/session.h"
#include "support/step_tolerance.h"
#include "verify/verify.h"

namespace quantize::test {
namespace {

Model with_hard_swish(const std::string& nodes, const std::string& scheme = "w8a8") {
  return text_model_for(scheme_named(scheme),
                        "g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,3,3] w, float[4] p, float[4,4,3,3] v, float[4,4,1,1] u> { "
                        "a = Conv <pads = [1,1,1,1]> (x, w, p) " +
                            nodes + " }");
}

constexpr const char* gated = "b = HardSwish (a)  c = Conv <pads = [1,1,1,1]> (b, v)  y = Conv (c, u)";

TEST(IntegerHardSwish, HasAnEncodingOnEitherSide) {
  const auto placement = place(with_hard_swish(gated), find_target("ort-cpu"));
  EXPECT_EQ(placement.integer_activations, std::set<int>{1});
  EXPECT_EQ(group_of(placement, "a")->members, std::vector<std::string>{"a"});
  EXPECT_EQ(group_of(placement, "a")->distinct->first, -3) << "below, HardSwish is zero whatever it reads";
  EXPECT_EQ(group_of(placement, "b")->sources, std::vector<std::string>{"b"});
  EXPECT_TRUE(placement.decisions[1].quantized);
}

TEST(IntegerHardSwish, OnlyBetweenWhatIsRoundedOnBothSidesAnyway) {
  const auto found = [](const std::string& nodes, const std::string& target = "ort-cpu", const Exclusions& excluded = {}) {
    return place(with_hard_swish(nodes), find_target(target), excluded).integer_activations.size();
  };
  EXPECT_EQ(found("b = HardSwish (a)  c = Sigmoid (a)  d = Add (b, c)  y = Conv (d, u)"), 0U) << "another reader of a";
  EXPECT_EQ(found("b = HardSwish (a)  y = Erf (b)"), 0U);
  EXPECT_EQ(found("r = Add (a, x)  b = HardSwish (r)  y = Conv (b, u)"), 0U) << "no convolution makes what it reads";
  EXPECT_EQ(found(gated, "qnn"), 0U);
  EXPECT_EQ(found(gated, "ort-cpu", {.nodes = {}, .op_types = {"HardSwish"}, .patterns = {}}), 0U);
}

TEST(IntegerHardSwish, BehindAPointConvolutionThatStaysOne) {
  const std::string nodes = "i = Conv (x, u)  b = HardSwish (i)  j = Conv (b, u)  y = Add (a, j)";
  EXPECT_EQ(place(with_hard_swish(nodes), find_target("ort-cpu")).integer_activations.size(), 1U);
  EXPECT_FALSE(place(with_hard_swish(nodes), find_target("ort-cpu")).integer_products.contains(1));
  Target without = find_target("ort-cpu");
  without.integer_activations.erase("HardSwish");
  EXPECT_TRUE(place(with_hard_swish(nodes), without).integer_products.contains(1)) << "a product with a float result";
}

TEST(IntegerHardSwish, NothingOfItRunsInFloat) {
  const auto plan = plan_graph(with_hard_swish(gated), scheme_named("w8a8"));
  Model optimized;
  optimized.proto = optimized_graph(rewrite(plan.prepared, plan.placement, plan.encodings).proto);
  EXPECT_EQ(count_nodes(optimized, "QLinearConv"), 3) << operators(optimized);
  EXPECT_EQ(count_nodes(optimized, "QLinearMul"), 1);
  EXPECT_EQ(count_nodes(optimized, "HardSigmoid"), 0);
  EXPECT_EQ(count_nodes(optimized, "QuantizeLinear"), 1);    // the input
  EXPECT_EQ(count_nodes(optimized, "DequantizeLinear"), 2);  // input and weight of the last convolution, whose result stays float
}

// Against the definition: of what its integers stand for, at most half a step of the gate times the value and half a step of the result
// away; on both sides of -3 and 3.
TEST(IntegerHardSwish, IsHardSwishOfWhatItsIntegersStandFor) {
  Model model = with_hard_swish(gated);
  put_initializer(model.graph(), make_tensor("p", {4}, std::vector<float>{-4, 0, 4, 1}));
  const auto plan = plan_graph(model, scheme_named("w8a8"));
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  const std::vector<std::string> inputs = {"x"}, read = {dequantized_name(GraphIndex(written.graph()), "a"), "b"};
  const auto values = Session(extract(written.proto, inputs, read)).run(random_inputs(model.proto));
  const auto before = values[0].as<float>(), after = values[1].as<float>();
  const auto &from = plan.encodings.activations.at("a"), &to = plan.encodings.activations.at("b");
  bool below = false, above = false, inside = false;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double x = before[i], exact = x * std::clamp(x / 6 + 0.5, 0.0, 1.0);
    below |= x<-2.9, above |= x> 3, inside |= std::abs(x) < 2;
    if (exact > to.high() || exact < to.low()) continue;
    EXPECT_NEAR(after[i], exact, std::abs(x) * (0.5 / 255 + 1e-4) + 0.5 * to.scale[0] + 1e-5) << x;
  }
  EXPECT_TRUE(below && above && inside) << from.low() << " " << from.high();
}

TEST(IntegerHardSwish, VerificationComparesItsParts) {
  const auto plan = plan_graph(with_hard_swish(gated), scheme_named("w8a8"));
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  const auto issues_of = [&](const Model& model) {
    return check_integer_activations(plan.prepared.proto, model.proto, plan.placement, plan.encodings).size();
  };
  EXPECT_EQ(issues_of(written), 0U);
  EXPECT_EQ(check_weights(plan.prepared, written.proto, plan.placement, plan.encodings).size(), 0U);
  EXPECT_EQ(check_biases(written.proto).size(), 0U);
  EXPECT_EQ(check_activations(plan.prepared.proto, written.proto, plan.placement, plan.encodings).size(), 0U);
  const GraphIndex index(written.graph());
  const auto& gate = *index.producer(index.producer(index.producer("b_product")->input(1))->input(0));
  const auto& convolution = *index.producer(gate.input(0));
  const auto& summand = *index.producer(convolution.input(2));
  Model spoilt = written;
  put_initializer(spoilt.graph(), make_tensor(summand.input(0), {4}, onnx::TensorProto::INT32, std::vector<std::int32_t>(4, 7)));
  EXPECT_EQ(issues_of(spoilt), 1U) << "another summand";
  spoilt = written;
  put_initializer(spoilt.graph(), make_tensor(summand.input(1), {}, std::vector<float>{0.5F}));
  EXPECT_EQ(check_biases(spoilt.proto).size(), 1U) << "at another scale";
  spoilt = written;
  put_initializer(spoilt.graph(), make_tensor(index.producer(convolution.input(1))->input(1), {}, std::vector<float>{0.5F}));
  EXPECT_EQ(issues_of(spoilt), 1U) << "another factor";
}

// The encoding of the input decides the summand: at each scale what is written is what verification expects.
TEST(IntegerHardSwish, IsVerifiedAtAnyScale) {
  auto plan = plan_graph(with_hard_swish(gated), scheme_named("w8a8"));
  auto& encoding = plan.encodings.activations.at("a");
  for (const float scale : {1e-9F, 1e-7F, 2e-7F, 1e-5F, 0.010790909F, 0.0148217315F, 0.3F, 1e6F}) {
    encoding.scale = {scale};
    const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
    EXPECT_EQ(check_integer_activations(plan.prepared.proto, written.proto, plan.placement, plan.encodings).size(), 0U) << scale;
    EXPECT_EQ(check_activations(plan.prepared.proto, written.proto, plan.placement, plan.encodings).size(), 0U) << scale;
    EXPECT_EQ(count_nodes(written, "HardSwish"), scale < 3e-7F ? 1 : 0) << "its summand leaves the sum no room in int32 at " << scale;
  }
}

// What has the form of a gate, but is none: a convolution of the model's own.
TEST(IntegerHardSwish, AGateOfTheModelsOwnIsAWeightedOperator) {
  Model model = text_model(
      "g (float[1,1,8,8] x) => (float[1,1,8,8] y) <float[1,1,3,3] w, float[1,1,1,1] s = {0.16666667}, float[1] h = {0.5}, "
      "float[1,1,1,1] u, float zero = {0}, float one = {1}> { a = Conv <pads = [1,1,1,1]> (x, w)  g1 = Conv (a, s, h)  "
      "g2 = Clip (g1, zero, one)  m = Mul (a, g2)  y = Conv (m, u) }");
  const auto plan = plan_graph(model, scheme_named("w8a8"));
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  EXPECT_EQ(plan.placement.weighted.size(), 3U);
  EXPECT_TRUE(check_weights(plan.prepared, written.proto, plan.placement, plan.encodings).empty());
  EXPECT_TRUE(check_activations(plan.prepared.proto, written.proto, plan.placement, plan.encodings).empty());
}

struct HardSwishCase {
  const char *name, *shape, *weights, *maker, *reader;
};
void PrintTo(const HardSwishCase& one, std::ostream* stream) { *stream << one.name; }

class HardSwishBehind : public testing::TestWithParam<HardSwishCase> {};

INSTANTIATE_TEST_SUITE_P(
    IntegerHardSwish, HardSwishBehind,
    testing::Values(HardSwishCase{"OneChannel", "1,2,6,6", "float[1,2,3,3] w, float[3,1,1,1] v", "Conv (x, w)", "Conv (b, v)"},
                    HardSwishCase{"OneDimension", "1,2,9", "float[4,2,3] w, float[3,4,1] v", "Conv (x, w)", "Conv (b, v)"},
                    HardSwishCase{"ThreeDimensions", "1,2,4,5,6", "float[4,2,2,2,2] w, float[3,4,1,1,1] v", "Conv (x, w)", "Conv (b, v)"},
                    HardSwishCase{"AGroupedConvTranspose", "1,4,5,5", "float[4,2,2,2] w, float[3,4,1,1] v",
                                  "ConvTranspose <group = 2, strides = [2,2]> (x, w)", "Conv (b, v)"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST_P(HardSwishBehind, RunsOnIntegersAndIsTheSameFunction) {
  const auto& one = GetParam();
  const Model model = text_model("g (float[" + std::string(one.shape) + "] x) => (float y) <" + one.weights + "> { a = " + one.maker +
                                 "  b = HardSwish (a)  y = " + one.reader + " }");
  const auto plan = plan_graph(model, scheme_named("w8a8"));
  EXPECT_EQ(plan.placement.integer_activations.size(), 1U);
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  EXPECT_EQ(count_nodes(written, "HardSwish"), 0);
  EXPECT_TRUE(check_weights(plan.prepared, written.proto, plan.placement, plan.encodings).empty());
  EXPECT_TRUE(check_integer_activations(plan.prepared.proto, written.proto, plan.placement, plan.encodings).empty());
  EXPECT_EQ(beyond_steps(written.proto, random_inputs(model.proto), run_model(model.proto, random_inputs(model.proto))), "");
}

TEST(IntegerHardSwish, NotAnOperatorOfAnotherDomain) {
  Model model = with_hard_swish(gated);
  model.graph().mutable_node(1)->set_domain("my");
  import_domain(model.proto, "my");
  EXPECT_EQ(place(model, find_target("ort-cpu")).integer_activations.size(), 0U);
}

// The head of MobileNetV3: a pool that nothing quantizes reads HardSwish, which so stays float, and what makes its input has a product.
TEST(IntegerHardSwish, WhereItStaysFloatItsMakerIsAProduct) {
  const auto placement =
      place(with_hard_swish("i = Conv (a, u)  b = HardSwish (i)  m = GlobalAveragePool (b)  j = Conv (m, u)  y = Add (a, j)"),
            find_target("ort-cpu"));
  EXPECT_EQ(placement.integer_activations.size(), 0U);
  EXPECT_TRUE(placement.integer_products.contains(1));
}

TEST(IntegerHardSwish, WithSixteenBitsOnEitherSideItIsComputedInFloat) {
  const auto wide = plan_graph(with_hard_swish(gated, "w8a16"), scheme_named("w8a16"));
  const Model written = rewrite(wide.prepared, wide.placement, wide.encodings);
  EXPECT_EQ(count_nodes(written, "HardSwish"), 1);
  Scheme mixed = scheme_named("w8a8");
  mixed.exceptions.activations["b"] = 16;
  const auto plan = plan_graph(with_hard_swish(gated, "w8a16"), mixed);
  EXPECT_EQ(count_nodes(rewrite(plan.prepared, plan.placement, plan.encodings), "HardSwish"), 1);
}

}  // namespace
}  // namespace quantize::test
