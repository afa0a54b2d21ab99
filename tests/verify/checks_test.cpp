// Every check is shown a model that is as planned, then one that was tampered with.
#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "encode/weight_encodings.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "prepare/pixel_input.h"
#include "rewrite/rewrite.h"
#include "support/error_text.h"
#include "support/folder_test.h"
#include "verify/verify.h"

namespace quantize::test {
namespace {

constexpr const char* graph = R"(g (float[1,3,6,6] x) => (float[1,4,5,5] y) <float[4,3,1,1] w, float[4] b, float[4,4,2,2] v, float[4] d> {
  a = Conv (x, w, b)
  r = Relu (a)
  y = Conv (r, v, d)
})";

class Checks : public FolderTest {
 protected:
  // The DequantizeLinear that node `output` reads as input number `input`.
  onnx::NodeProto& dequantizer(const std::string& output, int input) {
    const std::string name = node_of(written_, output).input(input);
    for (auto& node : *written_.graph().mutable_node()) {
      if (node.output(0) == name) return node;
    }
    throw std::runtime_error("no node makes " + name);
  }
  void set_scale(onnx::NodeProto& node, float factor) {
    auto tensor = initializer_of(written_, node.input(1));
    auto values = float_values(tensor);
    values.back() *= factor;
    put_initializer(written_.graph(), make_tensor("tampered", shape_of(tensor), values));
    node.set_input(1, "tampered");
  }
  Issues weights() const { return check_weights(plan_.prepared, written_.proto, plan_.placement, plan_.encodings); }
  Issues activations() const { return check_activations(plan_.prepared.proto, written_.proto, plan_.placement, plan_.encodings); }
  std::string verify_file() const {
    const auto path = folder / "verify.onnx";
    FileTransaction files;
    const auto temporary = save_model(written_.proto, path, files);
    const auto inputs = random_inputs(plan_.prepared.proto);
    return error_text([&] { verify(plan_.prepared, plan_.prepared, temporary, plan_.placement, plan_.encodings, inputs); },
                      ErrorKind::verification);
  }

  PlannedGraph plan_ = plan_graph(text_model(graph), scheme_named("w8a8"));
  Model written_ = rewrite(plan_.prepared, plan_.placement, plan_.encodings);
};

TEST_F(Checks, AnUntouchedModelPassesAll) {
  EXPECT_EQ(weights(), Issues{});
  EXPECT_EQ(activations(), Issues{});
  EXPECT_EQ(check_biases(written_.proto), Issues{});
  EXPECT_EQ(check_interface(plan_.prepared.proto, written_.proto), Issues{});
  EXPECT_EQ(verify_file(), "");
}

// ONNX Runtime warns of the float model as well; a shape that only the quantized model declares is a fault.
TEST_F(Checks, AWrongDeclaredShapeIsNoFaultWhereItWasThereBefore) {
  const auto shrink = [](Model& model) {
    model.graph().mutable_output(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(3)->set_dim_value(4);
  };
  shrink(written_);
  EXPECT_NE(verify_file(), "");
  shrink(plan_.prepared);
  EXPECT_EQ(verify_file(), "");
}

TEST(CheckPixels, ComparesEveryScaleAndZeroPoint) {
  const Model planned = text_model(R"(g (float[1,2,4,4] x) => (uint8[1,2,4,4] y) <float[2] s = {0.5, 0.25}, uint8[2] z = {3, 4}> {
    y = QuantizeLinear <axis = 1> (x, s, z)
  })");
  EXPECT_EQ(check_pixels(planned.proto, planned.proto), Issues{});
  Model other = planned;
  put_initializer(other.graph(), make_tensor("s", {2}, std::vector<float>{0.5F, 0.26F}));
  EXPECT_EQ(check_pixels(planned.proto, other.proto).size(), 1U);
  other = planned;
  put_initializer(other.graph(), make_tensor("z", {2}, onnx::TensorProto::UINT8, std::vector<std::int32_t>{3, 5}));
  EXPECT_EQ(check_pixels(planned.proto, other.proto).size(), 1U);
  other.graph().clear_node();
  EXPECT_EQ(check_pixels(planned.proto, other.proto).size(), 1U);
}

TEST(CheckPixels, WhatMakesPixelsIsToldFromOtherQuantizers) {
  const Model model = text_model(R"(g (float[1,3,8,8] x) => (float[1,4,8,8] y) <float[4,3,3,3] w, float[4,4,1,1] v> {
    a = Conv <pads = [1,1,1,1]> (x, w)
    r = Relu (a)
    y = Conv (r, v)
  })");
  for (const char* name : {"raw", "unit", "signed", "imagenet"}) {
    const auto plan = plan_graph(round_to_pixels(model, Preprocess::named(name)).value().model, scheme_named("w8a8"));
    Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
    EXPECT_EQ(check_activations(plan.prepared.proto, written.proto, plan.placement, plan.encodings), Issues{}) << name;
    EXPECT_EQ(check_pixels(plan.prepared.proto, written.proto), Issues{}) << name;
    auto& last = *written.graph().add_node();  // an output in integers: nobody reads it, and it makes no pixels
    last = *std::ranges::find_if(written.graph().node(), [](const auto& node) { return node.op_type() == "QuantizeLinear"; });
    last.set_output(0, "integers");
    EXPECT_EQ(check_pixels(plan.prepared.proto, written.proto), Issues{}) << name;
  }
}

TEST_F(Checks, WrongWeightScale) {
  set_scale(dequantizer("y", 1), 1.5F);
  ASSERT_FALSE(weights().empty());
  EXPECT_NE(weights()[0].find("'v'"), std::string::npos);
  EXPECT_NE(verify_file(), "");
}

TEST_F(Checks, WrongWeightAxis) {
  set_attribute(dequantizer("y", 1), "axis", std::int64_t{1});  // four input channels as well: only the attribute tells
  ASSERT_FALSE(weights().empty());
  EXPECT_NE(weights()[0].find("axis 1"), std::string::npos);
}

TEST_F(Checks, WrongWeightValue) {
  const std::string name = dequantizer("y", 1).input(0);
  auto& tensor = *find_initializer(written_.graph(), name);
  auto& byte = (*tensor.mutable_raw_data())[5];
  byte = static_cast<char>(byte > 0 ? byte - 2 : byte + 2);
  ASSERT_FALSE(weights().empty());
  EXPECT_NE(weights()[0].find("element 5"), std::string::npos);
}

TEST(CheckWeights, ZeroPointsAreComparedChannelByChannel) {
  const auto scheme = scheme_named("w4a16");
  Model model = text_model_for(scheme, "g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w> { y = Conv (x, w) }");
  put_initializer(model.graph(), make_tensor("w", {2, 2, 1, 1}, std::vector<float>{0.3F, 1.5F, -0.2F, 1.3F}));
  const auto plan = plan_graph(model, scheme);
  ASSERT_EQ(plan.encodings.weights.at("w").zero_point, (std::vector<std::int32_t>{-8, -6}));
  Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  EXPECT_EQ(check_weights(plan.prepared, written.proto, plan.placement, plan.encodings), Issues{});
  auto* zeros =
      std::ranges::find_if(*written.graph().mutable_initializer(),
                           [](const auto& tensor) { return tensor.data_type() == onnx::TensorProto::INT4 && tensor.dims_size() == 1; })
          .
          operator->();
  *zeros = make_tensor(zeros->name(), {2}, onnx::TensorProto::INT4, std::vector<std::int32_t>{-8, -5});
  const auto issues = check_weights(plan.prepared, written.proto, plan.placement, plan.encodings);
  ASSERT_FALSE(issues.empty());
  EXPECT_NE(issues[0].find("zero points"), std::string::npos);
  *zeros = make_tensor(zeros->name(), {}, onnx::TensorProto::INT4, std::vector<std::int32_t>{-8});  // one cannot stand for two
  EXPECT_FALSE(check_weights(plan.prepared, written.proto, plan.placement, plan.encodings).empty());
}

// Zeros between groups belong to no planned weight; anything else there would be read.
TEST(CheckWeights, GroupsMayBeMergedButNotLeak) {
  const auto plan = plan_graph(text_model("g (float[1,8,6,6] x) => (float[1,4,6,6] y) <float[4,2,1,1] w> { y = Conv <group = 4> (x, w) }"),
                               scheme_named("w8a8"));
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  const auto own = int_values(initializer_of(written, "w1"));
  const auto issues = [&](std::int32_t leak) {
    std::vector<std::int32_t> merged(16);
    for (std::size_t row = 0; row < 4; ++row) {
      for (std::size_t k = 0; k < 2; ++k) merged[row * 4 + row % 2 * 2 + k] = static_cast<std::int32_t>(own[row * 2 + k]);
    }
    merged[2] = leak;
    Model model = written;
    put_initializer(model.graph(), make_tensor("w1", {4, 4, 1, 1}, onnx::TensorProto::INT8, merged));
    return check_weights(plan.prepared, model.proto, plan.placement, plan.encodings);
  };
  EXPECT_EQ(issues(0), Issues{});
  ASSERT_EQ(issues(1).size(), 1U);
  EXPECT_NE(issues(1)[0].find("another shape than planned"), std::string::npos);
}

TEST_F(Checks, WrongWeightType) {
  const std::string name = dequantizer("y", 1).input(0);
  find_initializer(written_.graph(), name)->set_data_type(onnx::TensorProto::UINT8);
  ASSERT_FALSE(weights().empty());
  EXPECT_NE(weights()[0].find("uint8"), std::string::npos);
}

TEST_F(Checks, MissingWeight) {
  plan_.placement.weighted.push_back(plan_.placement.weighted[0]);
  ASSERT_EQ(weights().size(), 1U);
  EXPECT_NE(weights()[0].find("3 weighted operators, the file 2"), std::string::npos);
}

TEST_F(Checks, WrongBiasScaleByOneUlp) {
  set_scale(dequantizer("y", 2), 1.0000001F);
  const auto issues = check_biases(written_.proto);
  ASSERT_EQ(issues.size(), 1U);
  EXPECT_NE(issues[0].find("'y'"), std::string::npos);
  EXPECT_NE(verify_file().find("bias scale 3"), std::string::npos);
}

TEST_F(Checks, WrongActivationScale) {
  set_scale(dequantizer("y", 0), 1.01F);
  const auto issues = activations();
  ASSERT_EQ(issues.size(), 1U);
  EXPECT_NE(issues[0].find("not dequantized with the parameters"), std::string::npos);
}

TEST_F(Checks, WrongZeroPoint) {
  const std::string name = dequantizer("y", 0).input(2);
  const std::int32_t other[] = {7};
  put_initializer(written_.graph(),
                  make_tensor(name, {}, onnx::TensorProto::UINT8, other));  // quantizer and dequantizer agree, the plan does not
  EXPECT_EQ(activations().size(), 1U);
}

// This program never does, but ONNX allows it.
TEST_F(Checks, AZeroPointOfZeroMayBeLeftOut) {
  auto& reader = dequantizer("y", 0);
  for (auto& node : *written_.graph().mutable_node()) {
    if (node.output(0) == reader.input(0)) node.mutable_input()->RemoveLast();
  }
  reader.mutable_input()->RemoveLast();
  EXPECT_EQ(activations(), Issues{});
  EXPECT_EQ(check_pixels(written_.proto, written_.proto), Issues{});
}

TEST_F(Checks, AScaleThatIsComputedIsNoneThatWasPlanned) {
  auto& reader = dequantizer("y", 0);
  for (auto& node : *written_.graph().mutable_node()) {
    if (node.output(0) == reader.input(0)) node.set_input(1, "computed");
  }
  reader.set_input(1, "computed");
  EXPECT_EQ(activations().size(), 1U);
}

TEST_F(Checks, MissingPair) {
  plan_.placement.groups[0].members.emplace_back("extra");
  plan_.encodings.activations["extra"] = plan_.encodings.activations.at("x");
  EXPECT_EQ(activations().size(), 1U);
}

TEST_F(Checks, RenamedOutput) {
  written_.graph().mutable_output(0)->set_name("z");
  const auto issues = check_interface(plan_.prepared.proto, written_.proto);
  ASSERT_EQ(issues.size(), 1U);
  EXPECT_NE(issues[0].find("'y' is now called 'z'"), std::string::npos);
}

TEST_F(Checks, ChangedTypeShapeOrNumber) {
  Model other = written_;
  other.graph().mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::UINT8);
  EXPECT_NE(check_interface(plan_.prepared.proto, other.proto).at(0).find("type of input 'x'"), std::string::npos);
  other = written_;
  other.graph().mutable_output(0)->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(2)->set_dim_value(9);
  EXPECT_NE(check_interface(plan_.prepared.proto, other.proto).at(0).find("shape of output 'y'"), std::string::npos);
  other = written_;
  *other.graph().add_output() = other.graph().output(0);
  EXPECT_NE(check_interface(plan_.prepared.proto, other.proto).at(0).find("number of outputs"), std::string::npos);
}

TEST_F(Checks, AnInvalidFileIsRefused) {
  written_.graph().mutable_node()->SwapElements(0, written_.graph().node_size() - 1);
  EXPECT_NE(verify_file().find("not a valid ONNX model"), std::string::npos);
}

// A product with a vector is arithmetic with a constant, no weighted operator.
TEST(ChecksOfConstants, AProductWithAVectorIsNoWeightedOperator) {
  const auto plan = plan_graph(text_model("g (float[1,2,6,8] x) => (float y) <float[2,2,3,3] w, float[6] k> { c = Conv (x, w)  "
                                          "r = Relu (c)  m = MatMul (r, k)  y = Relu (m) }"),
                               scheme_named("w8a8"));
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  EXPECT_TRUE(check_weights(plan.prepared, written.proto, plan.placement, plan.encodings).empty());
}

// In steps of 16 bits, what single precision makes of a quotient is more than rounding in itself is off by.
TEST(CheckWeights, OfSixteenBitsAreWhereSinglePrecisionPutsThem) {
  auto plan =
      plan_graph(text_model("g (float[1,64,4,4] x) => (float y) <float[64,64,3,3] w> { y = Conv (x, w) }", 21, 10), scheme_named("w8a8"));
  const auto& weight = initializer_of(plan.prepared, "w");
  plan.encodings.weights["w"] = encode_weight(float_values(weight), shape_of(weight), 0, onnx::TensorProto::INT16);
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  EXPECT_EQ(check_weights(plan.prepared, written.proto, plan.placement, plan.encodings), Issues{});
}

TEST(CheckActivations, TwoCastsMayReadTheSamePixels) {
  const auto plan = plan_graph(text_model("g (uint8[1,3,6,6] x) => (float y) <float[4,3,1,1] w, float[4,3,1,1] v, float[4,4,1,1] u> { "
                                          "f = Cast <to = 1> (x)  a = Conv (f, w)  g = Cast <to = 1> (x)  b = Conv (g, v)  "
                                          "s = Add (a, b)  y = Conv (s, u) }"),
                               scheme_named("w8a8"));
  const Model written = rewrite(plan.prepared, plan.placement, plan.encodings);
  EXPECT_EQ(check_activations(plan.prepared.proto, written.proto, plan.placement, plan.encodings), Issues{});
}

}  // namespace
}  // namespace quantize::test
