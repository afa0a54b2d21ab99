// Fitting on a small random network: the output comes nearer to FP32's, and the weights lie on the grid.
#include "optimize/fit_network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "encode/plan_fixture.h"
#include "model/edit.h"
#include "rewrite/rewrite.h"

namespace quantize::test {
namespace {

constexpr const char* net = R"(g (float[1,3,12,12] x) => (float[1,5,24,24] y)
    <float[16,3,3,3] w, float[16] b, float[16,1,3,3] d, float[16,16,3,3] v, float[16] e, float[16,6,2,2] t, float[5,12,1,1] u, float[5] f> {
  a = Conv <pads = [1,1,1,1]> (x, w, b)
  r = Relu (a)
  k = Conv <group = 16, pads = [1,1,1,1]> (r, d)
  c = Conv <pads = [1,1,1,1]> (k, v, e)
  s = Add (c, r)
  q = Relu (s)
  p = ConvTranspose <group = 2, strides = [2,2]> (q, t)
  y = Conv (p, u, f)
})";

FitEffort effort() { return {.samples = 16, .least_columns = 4000, .columns_per_weight = 16, .dampings = {0.01, 0.1}, .sweeps = 2}; }

class FitNetwork : public testing::Test {
 protected:
  FitNetwork() { plan_for(net); }
  void plan_for(const char* graph) {
    original_ = text_model_for(scheme_, graph);
    const auto planned = plan_graph(original_, scheme_);
    plan_ = {planned.prepared, planned.placement, planned.encodings};
    input_ = {scheme_, random_samples(original_), 16, 1};
  }
  // Mean squared error over inputs that were not fitted to, relative to the signal.
  double output_error(const Plan& plan) const {
    const Model quantized = rewrite(plan.model, plan.placement, plan.encodings);
    EXPECT_NO_THROW(check_model(quantized.proto, "quantized"));
    double error = 0, signal = 0;
    for (std::uint32_t seed = 100; seed < 103; ++seed) {
      const auto inputs = random_inputs(original_.proto, seed);
      const auto expected = values_of(run_model(original_.proto, inputs)[0]), actual = values_of(run_model(quantized.proto, inputs)[0]);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        error += (expected[i] - actual[i]) * (expected[i] - actual[i]);
        signal += expected[i] * expected[i];
      }
    }
    return error / signal;
  }
  void expect_weights_on_grid() const {
    for (const auto& weighted : plan_.placement.weighted) {
      const auto& tensor = initializer_of(plan_.model, weighted.op.weight);
      const auto& encoding = plan_.encodings.weights.at(weighted.op.weight);
      const auto values = float_values(tensor);
      const auto rounded = rounded_values(values, shape_of(tensor), encoding);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const float scale = encoding.scale[slice_of(i, shape_of(tensor), encoding)];
        ASSERT_NEAR(values[i], rounded[i], 1e-4F * scale) << weighted.op.weight << " " << i;
      }
    }
  }

  Scheme scheme_ = scheme_named("w4a16");
  Model original_;
  Plan plan_;
  OptimizeInput input_;
};

TEST_F(FitNetwork, TheOutputErrorFallsAndTheWeightsLieOnTheGrid) {
  const double before = output_error(plan_);
  const auto fit = fit_network(plan_, input_, effort(), Context());
  EXPECT_EQ(fit.fitted, 5);
  EXPECT_TRUE(fit.skipped.empty());
  EXPECT_EQ(fit.samples, 16U);
  EXPECT_LT(output_error(plan_), 0.7 * before);
  expect_weights_on_grid();
}

TEST_F(FitNetwork, DoesNotDependOnTheNumberOfThreads) {
  const Plan plain = plan_;
  fit_network(plan_, input_, effort(), Context());
  EXPECT_TRUE(std::ranges::any_of(plan_.encodings.weights, [](const auto& entry) { return entry.second.has_zero_points(); }));
  for (const unsigned threads : {2U, 4U}) {
    Plan other = plain;
    Context several;
    several.threads = threads;
    fit_network(other, input_, effort(), several);
    EXPECT_EQ(serialize(plan_.model.proto), serialize(other.model.proto)) << threads;
    for (const auto& [name, encoding] : plan_.encodings.weights) {
      EXPECT_EQ(encoding.scale, other.encodings.weights.at(name).scale) << name << ", " << threads;
      EXPECT_EQ(encoding.zero_point, other.encodings.weights.at(name).zero_point) << name << ", " << threads;
    }
  }
}

TEST_F(FitNetwork, LittleMemoryMeansFewerSamples) {
  Context tight;
  tight.working_memory = 1;
  EXPECT_EQ(fit_network(plan_, input_, effort(), tight).samples, 1U);
  expect_weights_on_grid();
}

// Of a layer of many rows they are more than the moments of its few columns.
TEST_F(FitNetwork, TheCopiesOfALargeWeightCount) {
  const auto bytes = [&](const std::string& rows) {
    const std::string graph =
        "g (float[1,8,4,4] x) => (float[1," + rows + ",4,4] y) <float[" + rows + ",8,3,3] w> {" + " y = Conv <pads = [1,1,1,1]> (x, w) }";
    Plan plan{text_model(graph), {}, {}};
    plan.placement = place(plan.model, find_target("ort-cpu"));
    return fit_bytes(plan, effort(), 4, 1000, Context());
  };
  constexpr std::size_t more = (20000 - 100) * 8 * 9;
  EXPECT_GE(bytes("20000"), bytes("100") + 6 * more * sizeof(double));
}

TEST_F(FitNetwork, LongColumnsAreFittedInBlocks) {
  const double before = output_error(plan_);
  FitEffort small = effort();
  small.longest_block = 40;  // v has columns of 144 values
  EXPECT_EQ(fit_network(plan_, input_, small, Context()).fitted, 5);
  EXPECT_LT(output_error(plan_), 0.85 * before);
  expect_weights_on_grid();
}

// Left of the picture one channel drives the outputs far from where a Sigmoid tells them apart; right of it the others decide.
std::vector<Tensor> divided_inputs(const Model& model, std::uint32_t seed) {
  auto inputs = random_inputs(model.proto, seed);
  auto values = inputs[0].as<float>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool first = i < 144, left = i % 12 < 6;
    values[i] *= left ? (first ? 8.0F : 0.01F) : (first ? 0.01F : 0.3F);
  }
  return inputs;
}

TEST_F(FitNetwork, ALayerBeforeASigmoidIsFittedWhereThatIsSteep) {
  const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  // Error behind a Sigmoid, which is the graph's last operator or is computed here.
  const auto error_of = [&](const std::string& end, bool applied) {
    original_ = text_model_for(scheme_,
                               "g (float[1,3,12,12] x) => (float[1,1,12,12] y) <float[1,3,3,3] w, float[1] b> {"
                               " a = Conv <pads = [1,1,1,1]> (x, w, b) " +
                                   end + " }");
    auto weights = float_values(initializer_of(original_, "w"));
    for (auto& value : weights) value *= 10;
    put_initializer(original_.graph(), make_tensor("w", {1, 3, 3, 3}, weights));
    const LoadSample load = [&](std::size_t i) { return divided_inputs(original_, static_cast<std::uint32_t>(i + 1)); };
    plan_ = {original_, place(original_, find_target("ort-cpu")), {}};
    plan_.placement.weight_zero_points = false;  // of one row, where it is fitted shall matter more than which grid it meets
    Context context;
    plan_.encodings =
        encode(original_, plan_.placement, calibrate(original_, plan_.placement.observed(), load, 4, context), scheme_, context);
    fit_network(plan_, {scheme_, load, 16, 1}, effort(), context);
    const Model quantized = rewrite(plan_.model, plan_.placement, plan_.encodings);
    double error = 0;
    for (std::uint32_t seed = 100; seed < 120; ++seed) {
      const auto inputs = divided_inputs(original_, seed);
      const auto expected = values_of(run_model(original_.proto, inputs)[0]), actual = values_of(run_model(quantized.proto, inputs)[0]);
      for (std::size_t i = 0; i < expected.size(); ++i)
        error += std::pow(applied ? expected[i] - actual[i] : sigmoid(expected[i]) - sigmoid(actual[i]), 2);
    }
    return error;
  };
  EXPECT_LT(error_of("y = Sigmoid (a)", true), 0.9 * error_of("y = Identity (a)", false));
}

TEST_F(FitNetwork, ZeroPointsLowerTheError) {
  const auto error_with = [&](bool zero_points) {
    plan_.placement = place(original_, find_target("ort-cpu"));
    plan_.placement.weight_zero_points = zero_points;
    plan_.model = original_;
    Context context;
    plan_.encodings =
        encode(original_, plan_.placement, calibrate(original_, plan_.placement.observed(), input_.load, 8, context), scheme_, context);
    fit_network(plan_, input_, effort(), context);
    const bool moved = std::ranges::any_of(plan_.encodings.weights, [](const auto& entry) { return entry.second.has_zero_points(); });
    EXPECT_EQ(moved, zero_points);
    expect_weights_on_grid();
    return output_error(plan_);
  };
  EXPECT_LT(error_with(true), error_with(false));
}

// Tokens are kept by their first value, of which some are another number in the quantized network.
TEST_F(FitNetwork, AnInputOfAnotherSizeInTheQuantizedNetworkIsSkippedByName) {
  plan_for(R"(g (float[1,3,32,32] x) => (float[1,4] y) <float[8,3,3,3] w, float[8] b, int64[2] s = {8,-1}, int64[1] from = {0},
    int64[1] to = {1}, int64[1] axis = {1}, int64[1] zeroth = {0}, float zero = {0}, float[8,4] v, float[4] c> {
    a = Conv <pads = [1,1,1,1]> (x, w, b)
    r = Reshape (a, s)
    t = Transpose <perm = [1,0]> (r)
    k = Slice (t, from, to, axis)
    l = Squeeze (k, axis)
    m = Greater (l, zero)
    p = Compress <axis = 0> (t, m)
    q = Gemm (p, v, c)
    y = ReduceMean (q, zeroth)
  })");
  const auto fit = fit_network(plan_, input_, effort(), Context());
  EXPECT_EQ(fit.fitted, 1);
  EXPECT_EQ(fit.skipped, std::vector<std::string>{"q: its input has another size in the quantized network"});
}

using SharedWeight = FitNetwork;

TEST_F(SharedWeight, IsFittedToAllItsReaders) {
  plan_for(R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,3,3] w, float[4,4,1,1] v> {
    a = Conv <pads = [1,1,1,1]> (x, w)
    r = Relu (a)
    b = Conv <pads = [1,1,1,1]> (r, w)
    y = Conv (b, v)
  })");
  const double before = output_error(plan_);
  const auto fit = fit_network(plan_, input_, effort(), Context());
  EXPECT_EQ(fit.fitted, 3);
  EXPECT_TRUE(fit.skipped.empty());
  EXPECT_LT(output_error(plan_), 0.95 * before);
  expect_weights_on_grid();
}

// A tower of four convolutions for each of three levels.
std::string shared_tower() {
  std::string weights = "float[24,3,3,3] s, float[4,24,1,1] o", nodes = "p0 = Conv <pads = [1,1,1,1]> (x, s)\n l0 = Relu (p0)\n";
  for (const std::string level : {"0", "1", "2"}) {
    const std::string next = std::to_string(std::stoi(level) + 1);
    std::string tensor = "l" + level;
    for (const std::string i : {"0", "1", "2", "3"}) {
      if (level == "0") weights += ", float[24,24,3,3] w" + i + ", float[24] b" + i;
      nodes += "c" + level + i + " = Conv <pads = [1,1,1,1]> (" + tensor + ", w" + i + ", b" + i + ")\n";
      tensor = "r" + level + i;
      nodes += tensor + " = Relu (c" + level + i + ")\n";
    }
    nodes += "y" + level + " = Conv (" + tensor + ", o)\n";
    if (level == "2") break;
    weights += ", float[24,24,3,3] d" + level;
    nodes += "p" + next + " = Conv <pads = [1,1,1,1], strides = [2,2]> (l" + level + ", d" + level + ")\n";
    nodes += "l" + next + " = Relu (p" + next + ")\n";
  }
  return "g (float[1,3,16,16] x) => (float[1,4,16,16] y0, float[1,4,8,8] y1, float[1,4,4,4] y2) <" + weights + "> {" + nodes + "}";
}

// Only the last level's run knows all that a weight is fitted to; what runs until then must not see it unfitted.
TEST_F(SharedWeight, WhatRunsBetweenItsReadersIsFittedToWhatTheyMake) {
  plan_for(shared_tower().c_str());
  const double before = output_error(plan_);
  EXPECT_EQ(fit_network(plan_, input_, effort(), Context()).fitted, 18);
  EXPECT_LT(output_error(plan_), 0.85 * before);
  expect_weights_on_grid();
}

TEST_F(SharedWeight, WithAnotherKindOfReaderIsSkippedByName) {
  plan_for(R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,1,1] w, float[4,4,1,1] v> {
    a = Conv (x, w)
    b = ConvTranspose (a, w)
    y = Conv (b, v)
  })");
  const auto fit = fit_network(plan_, input_, effort(), Context());
  EXPECT_EQ(fit.fitted, 1);
  ASSERT_EQ(fit.skipped.size(), 2U);
  EXPECT_EQ(fit.skipped[0], "a: its weight is shared with an operator of another kind");
}

}  // namespace
}  // namespace quantize::test
