// Weights x gathered columns against ONNX Runtime's own operators.
#include "optimize/columns.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "model/graph.h"
#include "support/run_model.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

std::vector<float> plane_values(const Tensor& output) { return {output.as<float>().begin(), output.as<float>().end()}; }

void expect_same_output(const Model& model) {
  const auto inputs = random_inputs(model.proto);
  const Tensor output = run_model(model.proto, inputs)[0];
  const auto& node = model.graph().node(0);
  const auto op = weighted_op(node, GraphIndex(model.graph())).value();
  const auto& weight = initializer_of(model, "w");
  const ColumnView view(node, op, shape_of(weight));
  const auto values = float_values(weight);
  const bool is_matrix = node.op_type() == "Gemm" || node.op_type() == "MatMul";
  const std::size_t outputs = view.groups() * view.rows(), positions = view.positions(inputs[0].shape);
  ASSERT_EQ(positions * outputs, static_cast<std::size_t>(output.size())) << node.ShortDebugString();
  const std::size_t per_item = is_matrix ? 1 : positions / static_cast<std::size_t>(output.shape[0]);
  const auto expected = plane_values(output);
  std::vector<std::size_t> wanted(positions);
  for (std::size_t i = 0; i < positions; ++i) wanted[i] = positions - 1 - i;  // any order will do
  const std::size_t width = view.groups() * view.length();
  std::vector<float> columns(positions * width);
  view.gather(inputs[0], wanted, columns.data());
  for (std::size_t group = 0; group < view.groups(); ++group) {
    const Matrix matrix = view.weights(values, group);
    for (std::size_t i = 0; i < positions; ++i) {
      for (std::size_t r = 0; r < view.rows(); ++r) {
        double sum = 0;
        for (std::size_t k = 0; k < view.length(); ++k) sum += matrix(r, k) * columns[i * width + group * view.length() + k];
        const std::size_t item = wanted[i] / per_item, place = wanted[i] % per_item;
        ASSERT_NEAR(sum, expected[(item * outputs + group * view.rows() + r) * per_item + place], 1e-4) << node.ShortDebugString();
      }
    }
  }
}

std::string list(const std::vector<int>& values) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) text += (i > 0 ? "," : "") + std::to_string(values[i]);
  return text + "]";
}

std::string dimensions(const std::vector<int>& values) { return "float" + list(values); }

// A random geometry in 1 to 3 dimensions.
struct Geometry {
  std::vector<int> input, weight, strides, dilations, pads, output_padding;
  int groups = 1;

  Geometry(std::mt19937& generator, bool transposed) {
    const auto pick = [&](int low, int high) { return low + static_cast<int>(generator() % static_cast<unsigned>(high - low + 1)); };
    const int rank = pick(1, 3), inner = pick(1, 3), outer = pick(1, 3);
    groups = pick(1, 3);
    input = {pick(1, 2), groups * inner};
    weight = transposed ? std::vector<int>{groups * inner, outer} : std::vector<int>{groups * outer, inner};
    for (int i = 0; i < rank; ++i) {
      weight.push_back(pick(1, 4));
      strides.push_back(pick(1, 3));
      dilations.push_back(pick(1, 2));
      input.push_back((weight.back() - 1) * dilations.back() + pick(1, rank == 3 ? 3 : 6));
      output_padding.push_back(pick(0, strides.back() - 1));
    }
    for (int i = 0; i < 2 * rank; ++i) pads.push_back(pick(0, weight[static_cast<std::size_t>(2 + i % rank)] / 2));
  }
  std::string text(const std::string& type, const std::string& padding) const {
    return "g (" + dimensions(input) + " x) => (float y) <" + dimensions(weight) + " w> { y = " + type +
           " <group = " + std::to_string(groups) + ", strides = " + list(strides) + ", dilations = " + list(dilations) + padding +
           "> (x, w) }";
  }
};

Model untyped_output(const std::string& text) {
  Model model = text_model(text);
  model.graph().mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  return model;
}

TEST(Columns, ConvWithPads) {
  std::mt19937 generator(1);
  for (int i = 0; i < 60; ++i) {
    const Geometry geometry(generator, false);
    expect_same_output(untyped_output(geometry.text("Conv", ", pads = " + list(geometry.pads))));
  }
}

TEST(Columns, ConvWithAutoPad) {
  std::mt19937 generator(2);
  for (const std::string kind : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
    for (int i = 0; i < 30; ++i) {
      Geometry geometry(generator, false);
      if (kind != "VALID") geometry.dilations.assign(geometry.dilations.size(), 1);
      expect_same_output(untyped_output(geometry.text("Conv", ", auto_pad = \"" + kind + "\"")));
    }
  }
}

TEST(Columns, ConvTransposeWithPadsAndOutputPadding) {
  std::mt19937 generator(3);
  for (int i = 0; i < 60; ++i) {
    const Geometry geometry(generator, true);
    expect_same_output(untyped_output(
        geometry.text("ConvTranspose", ", pads = " + list(geometry.pads) + ", output_padding = " + list(geometry.output_padding))));
  }
}

TEST(Columns, ConvTransposeWithAutoPad) {
  std::mt19937 generator(4);
  for (const std::string kind : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
    for (int i = 0; i < 30; ++i) {
      Geometry geometry(generator, true);
      geometry.dilations.assign(geometry.dilations.size(), 1);
      for (std::size_t k = 0; k < geometry.strides.size(); ++k) geometry.strides[k] = std::min(geometry.strides[k], geometry.weight[k + 2]);
      expect_same_output(untyped_output(geometry.text("ConvTranspose", ", auto_pad = \"" + kind + "\"")));
    }
  }
}

TEST(Columns, ConvTransposeWithOutputShape) {
  for (const int size : {7, 8, 9}) {
    expect_same_output(
        untyped_output("g (float[1,2,4,4] x) => (float y) <float[2,3,3,3] w> { y = ConvTranspose <strides = [2,2], output_shape = [" +
                       std::to_string(size) + ",8]> (x, w) }"));
  }
}

TEST(Columns, GemmAndMatMul) {
  expect_same_output(untyped_output("g (float[5,6] x) => (float y) <float[6,4] w> { y = Gemm (x, w) }"));
  expect_same_output(untyped_output("g (float[5,6] x) => (float y) <float[4,6] w> { y = Gemm <transB = 1> (x, w) }"));
  expect_same_output(untyped_output("g (float[2,3,6] x) => (float y) <float[6,4] w> { y = MatMul (x, w) }"));
}

TEST(Columns, StoreIsTheInverseOfWeights) {
  for (const char* text : {"g (float[1,4,5,5] x) => (float y) <float[6,2,3,2] w> { y = Conv <group = 2> (x, w) }",
                           "g (float[1,4,5,5] x) => (float y) <float[4,3,3,2] w> { y = ConvTranspose <group = 2> (x, w) }",
                           "g (float[5,6] x) => (float y) <float[4,6] w> { y = Gemm <transB = 1> (x, w) }"}) {
    const Model model = untyped_output(text);
    const auto& weight = initializer_of(model, "w");
    const ColumnView view(model.graph().node(0), weighted_op(model.graph().node(0), GraphIndex(model.graph())).value(), shape_of(weight));
    const auto values = float_values(weight);
    std::vector<float> back(values.size(), -99.0F);
    for (std::size_t group = 0; group < view.groups(); ++group) view.store(view.weights(values, group), group, back);
    EXPECT_EQ(back, values);
  }
}

}  // namespace
}  // namespace quantize::test
