// PRelu between convolutions as a depthwise convolution and a maximum of integers: where, with which values, on which kernels.
#include "encode/integer_activation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/edit.h"
#include "plan_fixture.h"
#include "rewrite/rewrite.h"
#include "run/optimized_graph.h"
#include "run/session.h"
#include "verify/verify.h"

namespace quantize::test {
namespace {

Model with_slopes(const std::string& nodes, const std::vector<float>& slopes, const std::string& scheme = "w8a8") {
  Model model = text_model_for(scheme_named(scheme),
                               "g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,3,3] w, float[4,4,3,3] v, "
                               "float[4,1,1] s, float[4,4,1,1] u> { a = Conv <pads = [1,1,1,1]> (x, w) " +
                                   nodes + " }");
  put_initializer(model.graph(), make_tensor("s", {4, 1, 1}, slopes));
  return model;
}

const std::vector<float> quarter = {0.25F, 0, 1, 0.1F};
constexpr const char* between = "b = PRelu (a, s)  c = Conv <pads = [1,1,1,1]> (b, v)  y = Conv (c, u)";

std::size_t found(const std::string& nodes, const std::vector<float>& slopes = quarter) {
  return place(with_slopes(nodes, slopes), find_target("ort-cpu")).integer_activations.size();
}

TEST(IntegerPrelu, OneEncodingForItsInputAndOutput) {
  const auto placement = place(with_slopes(between, quarter), find_target("ort-cpu"));
  EXPECT_EQ(placement.integer_activations, std::set<int>{1});
  const auto* group = group_of(placement, "a");
  EXPECT_EQ(group->members, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(group->sources, std::vector<std::string>{"a"}) << "no value of b is farther from zero";
  EXPECT_NEAR(group->negative_weight, (0.0625 + 1 + 0.01) / 4, 1e-6);
  EXPECT_TRUE(placement.decisions[1].quantized);
}

TEST(IntegerPrelu, OnlyBetweenWhatIsRoundedOnBothSidesAnyway) {
  EXPECT_EQ(found("b = PRelu (a, s)  c = Conv (b, u)  d = Add (b, c)  e = PRelu (d, s)  y = Conv (e, u)"), 0U) << "the skip stays float";
  EXPECT_EQ(found("b = PRelu (a, s)  c = Sigmoid (a)  d = Add (b, c)  y = Conv (d, u)"), 0U) << "another reader of a";
  EXPECT_EQ(found("b = PRelu (a, s)  y = Erf (b)"), 0U);
  EXPECT_EQ(
      found("p = Conv (a, u)  b = PRelu (p, s)  c = Conv <pads = [1,1,1,1]> (b, v)  d = Add (b, c)  e = PRelu (d, s)  y = Conv (e, u)"), 0U)
      << "a 1x1 convolution is an integer product with a float result: it need not be rounded for a skip";
  EXPECT_EQ(found(between, {0.25F, -0.1F, 1, 0}), 0U);
  EXPECT_EQ(found(between, {0.25F, 1.5F, 1, 0}), 0U);
  EXPECT_EQ(place(with_slopes(between, quarter), find_target("qnn")).integer_activations.size(), 0U);
  const Exclusions excluded{.nodes = {}, .op_types = {"PRelu"}, .patterns = {}};
  EXPECT_EQ(place(with_slopes(between, quarter), find_target("ort-cpu"), excluded).integer_activations.size(), 0U);
}

TEST(IntegerPrelu, NothingOfItRunsInFloat) {
  const Model model = with_slopes(between, quarter);
  const auto plan = plan_graph(model, scheme_named("w8a8"));
  Model optimized;
  optimized.proto = optimized_graph(rewrite(plan.prepared, plan.placement, plan.encodings).proto);
  EXPECT_EQ(count_nodes(optimized, "QLinearConv"), 3) << operators(optimized);
  EXPECT_EQ(count_nodes(optimized, "Max"), 1);
  EXPECT_EQ(count_nodes(optimized, "Mul"), 0);
  EXPECT_EQ(count_nodes(optimized, "QuantizeLinear"), 1);    // the input
  EXPECT_EQ(count_nodes(optimized, "DequantizeLinear"), 2);  // input and weight of the last convolution, whose result stays float
}

// Against the definition, on the integers: y = max (q, round (slope (q - z)) + z).
TEST(IntegerPrelu, PositiveIntegersPassAndOthersAreScaledAndRounded) {
  const Model model = with_slopes(between, quarter);
  const auto plan = plan_graph(model, scheme_named("w8a8"));
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  const auto& encoding = plan.encodings.activations.at("a");
  const GraphIndex index(written.graph());
  const auto& maximum = *index.producer(index.producer("b")->input(0));
  ASSERT_TRUE(is_integer_max(maximum, index));
  const std::vector<std::string> inputs = {"x"}, outputs = {maximum.input(0), maximum.output(0)};
  const auto values = Session(extract(written.proto, inputs, outputs)).run(random_inputs(model.proto));
  const auto before = values[0].as<std::uint8_t>(), after = values[1].as<std::uint8_t>();
  const int zero = encoding.zero_point[0];
  bool any_negative = false;
  for (std::size_t i = 0; i < before.size(); ++i) {
    const float slope = quarter[i / 64 % 4];
    const int q = before[i], scaled = static_cast<int>(std::nearbyint(slope * static_cast<float>(q - zero))) + zero;
    any_negative |= q < zero;
    EXPECT_NEAR(after[i], std::max(q, scaled), q < zero && slope > 0 && slope < 1 ? 1 : 0) << q;
  }
  EXPECT_TRUE(any_negative);
}

TEST(IntegerPrelu, VerificationComparesSlopesAndParameters) {
  const auto plan = plan_graph(with_slopes(between, quarter), scheme_named("w8a8"));
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  const auto issues_of = [&](const Model& model) {
    return check_integer_activations(plan.prepared.proto, model.proto, plan.placement, plan.encodings).size();
  };
  EXPECT_EQ(issues_of(written), 0U);
  const GraphIndex index(written.graph());
  const auto& maximum = *index.producer(index.producer("b")->input(0));
  const auto& slopes = *index.producer(index.producer(maximum.input(1))->input(0));
  Model spoilt = written;
  put_initializer(spoilt.graph(), make_tensor(index.producer(slopes.input(1))->input(1), {4}, std::vector<float>(4, 0.01F)));
  EXPECT_EQ(issues_of(spoilt), 1U) << "other slopes";
  spoilt = written;
  put_initializer(spoilt.graph(), make_tensor("other", {}, std::vector<float>{0.5F}));
  for (auto& node : *spoilt.graph().mutable_node()) {
    if (node.output(0) == "b") node.set_input(1, "other");
  }
  EXPECT_EQ(issues_of(spoilt), 1U) << "another scale behind it";
}

TEST(IntegerPrelu, BehindAMatrixProductItStaysFloat) {
  const Model model = text_model(
      "g (float[1,6,8] x) => (float[1,4,5] y) <float[1,8,5] w, float[1] s = {0.25}, float[4,6,1] v> { "
      "a = MatMul (x, w)  b = PRelu (a, s)  y = Conv (b, v) }");
  EXPECT_EQ(place(model, find_target("ort-cpu")).integer_activations.size(), 0U);
}

TEST(IntegerPrelu, WithSixteenBitsItIsComputedInFloat) {
  const Model model = with_slopes(between, quarter, "w8a16");
  const auto plan = plan_graph(model, scheme_named("w8a16"));
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  EXPECT_EQ(count_nodes(written, "Conv"), 3);
  EXPECT_EQ(count_nodes(written, "Mul"), 1);
  expect_same_function(model.proto, written.proto, 1e-2);
}

TEST(IntegerPrelu, ASlopeForAllChannels) {
  Model model = with_slopes(between, quarter);
  put_initializer(model.graph(), make_tensor("s", {1}, std::vector<float>{0.3F}));
  const GraphIndex index(model.graph());
  EXPECT_EQ(slopes_of(model.graph().node(1), model.graph().node(0), index), std::vector<float>(4, 0.3F));
  put_initializer(model.graph(), make_tensor("s", {1, 8}, std::vector<float>(8, 0.3F)));
  EXPECT_TRUE(slopes_of(model.graph().node(1), model.graph().node(0), GraphIndex(model.graph())).empty()) << "one per column";
}

TEST(IntegerPrelu, NotAnOperatorOfAnotherDomain) {
  Model model = with_slopes(between, quarter);
  model.graph().mutable_node(1)->set_domain("my");
  import_domain(model.proto, "my");
  EXPECT_EQ(place(model, find_target("ort-cpu")).integer_activations.size(), 0U);
}

}  // namespace
}  // namespace quantize::test
