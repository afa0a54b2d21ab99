// What each row of the target table makes of a graph: the rules of the runtimes, as their documentation and their behaviour give them.
#include <gtest/gtest.h>

#include "base/error.h"
#include "model/attribute.h"
#include "plan_fixture.h"
#include "rewrite/rewrite.h"

namespace quantize::test {
namespace {

constexpr const char* residual =
    R"(g (float[1,2,6,6] x) => (float[1,3,6,6] y) <float[2,2,1,1] w, float[2] b, float[2,2,1,1] v, float[2] c, float[3,2,1,1] u, float[3] d> {
  a = Conv (x, w, b)
  r = Relu (a)
  e = Conv (r, v, c)
  s = Add (e, r)
  t = Relu (s)
  y = Conv (t, u, d)
})";

Model quantized_for(const std::string& target, const std::string& scheme_name, const char* graph = residual) {
  const Scheme scheme = scheme_named(scheme_name).adapted_to(find_target(target));
  const auto plan = plan_graph(text_model_for(scheme, graph), scheme, find_target(target));
  return rewrite(plan.prepared, plan.placement, plan.encodings);
}

bool is_dequantized(const Model& model, const std::string& tensor) {
  const GraphIndex index(model.graph());
  const auto* producer = index.producer(tensor);
  return producer != nullptr && producer->op_type() == "DequantizeLinear";
}

TEST(Targets, AreNamedOnce) {
  std::set<std::string> names;
  for (const auto& target : targets()) EXPECT_TRUE(names.insert(target.name).second) << target.name;
  EXPECT_EQ(names, (std::set<std::string>{"ort-cpu", "qnn", "openvino", "tensorrt"}));
}

// --- qnn ---

TEST(Qnn, EveryTensorIsAnInteger) {
  const auto model = quantized_for("qnn", "w8a8");
  EXPECT_TRUE(is_dequantized(model, "y")) << "a float output would leave the last layer to another device";
  for (const auto& node : model.graph().node()) {
    if (node.op_type() != "Conv" && node.op_type() != "Add") continue;
    for (const auto& input : node.input()) EXPECT_TRUE(is_dequantized(model, input)) << input;
  }
}

TEST(Qnn, FourBitWeightsCarryTheirZeroPoints) {
  for (const auto* scheme : {"w8a8", "w8a16", "w4a16"}) {
    const auto model = quantized_for("qnn", scheme);
    const GraphIndex index(model.graph());
    for (const auto& node : model.graph().node()) {
      if (node.op_type() != "Conv") continue;
      const auto& weight = *index.producer(node.input(1));
      ASSERT_EQ(weight.input_size(), 3) << scheme;
      const auto &zero = initializer_of(model, weight.input(2)), &scale = initializer_of(model, weight.input(1));
      EXPECT_EQ(zero.data_type(), initializer_of(model, weight.input(0)).data_type());
      EXPECT_EQ(shape_of(zero), shape_of(scale));
      for (const auto value : int_values(zero)) EXPECT_EQ(value, 0);
    }
  }
}

constexpr const char* joined =
    R"(g (float[1,2,6,6] x) => (float[1,2,12,12] y) <float[2,2,1,1] w, float[2,2,1,1] v, float[2,4,1,1] u, float[4] s = {1,1,2,2}> {
  a = Conv (x, w)
  b = Conv (x, v)
  c = Concat <axis = 1> (a, b)
  r = Resize <mode = "linear"> (c, , s)
  y = Conv (r, u)
})";

TEST(Qnn, ConcatAndLinearResizeShareOneEncoding) {
  const auto plan = plan_graph(text_model(joined), scheme_named("w8a8"), find_target("qnn"));
  const auto& encodings = plan.encodings.activations;
  for (const auto* name : {"a", "b", "r"}) {
    EXPECT_EQ(encodings.at(name).scale, encodings.at("c").scale) << name;
    EXPECT_EQ(encodings.at(name).zero_point, encodings.at("c").zero_point) << name;
  }
}

TEST(Qnn, DivisionsByWhatWouldRoundToZeroStayFloat) {
  const auto decision = [](const std::string& divisor) {
    const Model model = text_model("g (float[1,2,4,4] x) => (float y) <float[2,2,1,1] w, float[2,1,1] k = {" + divisor +
                                   "}, float[2,2,1,1] v> { a = Conv (x, w)  d = Div (a, k)  y = Conv (d, v) }");
    return place(model, find_target("qnn")).decisions[1];
  };
  EXPECT_TRUE(decision("5, 10").quantized);
  EXPECT_FALSE(decision("0.015, 10").quantized);
  EXPECT_EQ(decision("0.015, 10").reason, "what it divides by may round to zero");
}

// --- openvino ---

TEST(OpenVino, ClampsStayBeforeSixteenBitsOnly) {
  EXPECT_EQ(count_nodes(quantized_for("openvino", "w8a8"), "Relu"), 0);
  EXPECT_EQ(count_nodes(quantized_for("openvino", "w8a16"), "Relu"), 2);
  EXPECT_EQ(count_nodes(quantized_for("openvino", "w4a16"), "Relu"), 2);
  EXPECT_EQ(count_nodes(quantized_for("ort-cpu", "w8a16"), "Relu"), 0);
}

// --- tensorrt ---

TEST(TensorRt, RefusesWhatItsIntegersCannotHold) {
  for (const auto* scheme : {"w8a16", "w4a16"}) {
    try {
      static_cast<void>(scheme_named(scheme).adapted_to(find_target("tensorrt")));
      FAIL() << scheme;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      EXPECT_NE(std::string(error.what()).find("16-bit"), std::string::npos) << error.what();
    }
  }
}

TEST(TensorRt, ActivationsAreInt8WithZeroPointZero) {
  const auto model = quantized_for("tensorrt", "w8a8");
  int quantizers = 0;
  for (const auto& node : model.graph().node()) {
    if (node.op_type() != "QuantizeLinear") continue;
    const auto& zero = initializer_of(model, node.input(2));
    EXPECT_EQ(zero.data_type(), onnx::TensorProto::INT8);
    EXPECT_EQ(int_values(zero), std::vector<std::int64_t>{0});
    ++quantizers;
  }
  EXPECT_GT(quantizers, 0);
}

TEST(TensorRt, PixelsAreSignedThereToo) {
  const auto model =
      quantized_for("tensorrt", "w8a8", "g (uint8[1,2,4,4] x) => (float y) <float[2,2,1,1] w> { f = Cast <to = 1> (x)  y = Conv (f, w) }");
  EXPECT_EQ(count_nodes(model, "Cast"), 1);
  for (const auto& tensor : model.graph().initializer()) EXPECT_NE(tensor.data_type(), onnx::TensorProto::UINT8) << tensor.name();
  const auto& quantizer = *GraphIndex(model.graph()).producer(node_of(model, node_of(model, "y").input(0)).input(0));
  EXPECT_EQ(quantizer.op_type(), "QuantizeLinear");
}

TEST(TensorRt, InputsOfConvolutionsAreQuantizedAndTheirResultsAreNot) {
  const auto model = quantized_for("tensorrt", "w8a8");
  const GraphIndex index(model.graph());
  int convolutions = 0;
  for (const auto& node : model.graph().node()) {
    if (node.op_type() != "Conv") continue;
    ++convolutions;
    EXPECT_TRUE(is_dequantized(model, node.input(0))) << node.input(0);
    EXPECT_TRUE(is_dequantized(model, node.input(1))) << node.input(1);
    for (const auto& use : index.uses(node.output(0))) EXPECT_NE(index.node(use.node).op_type(), "QuantizeLinear") << node.output(0);
  }
  EXPECT_EQ(convolutions, 3);
  EXPECT_EQ(count_nodes(model, "Relu"), 2) << "int8 does not saturate at 0: the kernels compute the Relu";
}

TEST(TensorRt, WeightsHaveAScalePerOutputChannel) {
  const auto model = quantized_for("tensorrt", "w8a8");
  const GraphIndex index(model.graph());
  for (const auto& node : model.graph().node()) {
    if (node.op_type() != "Conv") continue;
    const auto& dequantizer = *index.producer(node.input(1));
    EXPECT_EQ(int_attribute(dequantizer, "axis", 1), 0);
    EXPECT_EQ(shape_of(initializer_of(model, dequantizer.input(1)))[0], shape_of(initializer_of(model, dequantizer.input(0)))[0]);
  }
}

TEST(TensorRt, BiasesStayFloat) {
  const auto model = quantized_for("tensorrt", "w8a8");
  for (const auto& node : model.graph().node()) {
    if (node.op_type() != "Conv") continue;
    EXPECT_EQ(initializer_of(model, node.input(2)).data_type(), onnx::TensorProto::FLOAT);
  }
}

TEST(TensorRt, OfAResidualAddOnlyTheSkipConnectionIsQuantized) {
  const auto model = quantized_for("tensorrt", "w8a8");
  const auto& add = node_of(model, "s");
  EXPECT_FALSE(is_dequantized(model, add.input(0))) << "the sum of the convolution stays in its kernel";
  EXPECT_TRUE(is_dequantized(model, add.input(1)));
}

}  // namespace
}  // namespace quantize::test
