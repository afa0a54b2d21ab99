// Each row is what running the whole network with that one thing quantized gives.
#include "mixed/sensitivity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "encode/plan_fixture.h"
#include "model/edit.h"
#include "rewrite/rewrite.h"

namespace quantize::test {
namespace {

constexpr const char* net = R"(g (float[1,3,12,12] x) => (float[1,5,12,12] y)
    <float[8,3,3,3] w, float[8] b, float[8,1,3,3] d, float[8,8,1,1] v, float[8] e, float[5,16,1,1] u, float[5] f> {
  a = Conv <pads = [1,1,1,1]> (x, w, b)
  r = Relu (a)
  k = Conv <group = 8, pads = [1,1,1,1]> (r, d)
  m = MaxPool <kernel_shape = [3,3], pads = [1,1,1,1]> (k)
  c = Conv (m, v, e)
  s = Add (c, r)
  q = Concat <axis = 1> (s, k)
  y = Conv (q, u, f)
})";

class SensitivityTest : public testing::Test {
 protected:
  SensitivityTest() : planned_(plan_graph(model_, scheme_)), plan_{planned_.prepared, planned_.placement, planned_.encodings} {}

  std::vector<Sensitivity> measure(unsigned threads = 1, std::size_t limit = std::size_t{1} << 30) const {
    Context context;
    context.threads = threads;
    return measure_sensitivity(model_, plan_, scheme_,
                               {.load = random_samples(model_), .available = samples_, .samples = samples_, .memory_limit = limit},
                               context);
  }
  // Of the whole network against FP32 over all samples.
  double noise_of(const Model& changed) const {
    double error = 0, signal = 0;
    for (std::size_t i = 0; i < samples_; ++i) {
      const auto inputs = random_samples(model_)(i);
      const auto wanted = values_of(run_model(model_.proto, inputs)[0]), seen = values_of(run_model(changed.proto, inputs)[0]);
      for (std::size_t k = 0; k < wanted.size(); ++k) {
        error += (wanted[k] - seen[k]) * (wanted[k] - seen[k]);
        signal += wanted[k] * wanted[k];
      }
    }
    return error / signal;
  }

  static constexpr std::size_t samples_ = 3;
  Model model_ = text_model(net);
  Scheme scheme_ = scheme_named("w8a8");
  PlannedGraph planned_;
  Plan plan_;
};

TEST_F(SensitivityTest, EveryWeightAndEveryEncodingHasARow) {
  std::vector<std::string> names;
  for (const auto& row : measure()) names.push_back((row.unit.kind == Unit::Kind::weights ? "W " : "A ") + row.unit.name);
  EXPECT_EQ(names, (std::vector<std::string>{"A x", "W a", "A r", "W k", "A k", "W c", "A c", "A q", "W y"}));
}

TEST_F(SensitivityTest, ActivationsAgreeWithTheRewrittenNetwork) {
  for (const auto& row : measure()) {
    if (row.unit.kind != Unit::Kind::activations) continue;
    Encodings alone;
    for (const auto& member : plan_.placement.groups[row.unit.place].members)
      alone.activations[member] = plan_.encodings.activations.at(member);
    const double expected = noise_of(rewrite(model_, plan_.placement, alone, {.weights = false}));
    EXPECT_GT(expected, 0) << row.unit.name;
    EXPECT_NEAR(row.noise / expected, 1, 0.02) << row.unit.name;
    EXPECT_NEAR(row.accuracy.sqnr_db, -10 * std::log10(row.noise), 1e-6) << row.unit.name;
  }
}

TEST_F(SensitivityTest, WeightsAgreeWithTheNetworkThatHasThemRounded) {
  for (const auto& row : measure()) {
    if (row.unit.kind != Unit::Kind::weights) continue;
    const auto& name = plan_.placement.weighted[row.unit.place].op.weight;
    const auto& encoding = plan_.encodings.weights.at(name);
    Model changed = model_;
    const auto shape = shape_of(initializer_of(model_, name));
    auto values = float_values(initializer_of(model_, name));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float scale = encoding.scale[slice_of(i, shape, encoding)];
      values[i] = std::nearbyint(values[i] / scale) * scale;
    }
    put_initializer(changed.graph(), make_tensor(name, shape, values));
    EXPECT_NEAR(row.noise / noise_of(changed), 1, 0.02) << row.unit.name;
  }
}

// Its readers are rounded one by one, and their errors added.
TEST_F(SensitivityTest, AWeightOfSeveralNodesHasOneRow) {
  model_ = text_model(R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,3,3] w, float[4,4,1,1] u> {
    a = Conv <pads = [1,1,1,1]> (x, w)
    r = Relu (a)
    b = Conv <pads = [1,1,1,1]> (r, w)
    y = Conv (b, u)
  })");
  planned_ = plan_graph(model_, scheme_);
  plan_ = {planned_.prepared, planned_.placement, planned_.encodings};
  const auto rows = measure();
  const auto row = std::ranges::find(rows, "a", [](const auto& each) { return each.unit.name; });
  ASSERT_NE(row, rows.end());
  EXPECT_EQ(std::ranges::count(rows, Unit::Kind::weights, [](const auto& each) { return each.unit.kind; }), 2);
  Model changed = model_;
  const auto& rounded = plan_.encodings.weights.at("w");
  const auto shape = shape_of(initializer_of(model_, "w"));
  put_initializer(changed.graph(), make_tensor("w", shape, rounded_values(float_values(initializer_of(model_, "w")), shape, rounded)));
  const double together = noise_of(changed);
  EXPECT_GT(row->noise, 0.2 * together);
  EXPECT_LT(row->noise, 5 * together);
}

// As many at once as the context says, and what they keep is known before.
TEST_F(SensitivityTest, WhatIsKeptGrowsWithTheSamplesThatFit) {
  const SensitivityInput input{.load = {}, .available = 100, .samples = 4};
  constexpr std::size_t megabyte = std::size_t{1} << 20;
  Context context;
  context.working_memory = 1000 * megabyte;
  EXPECT_EQ(sensitivity_bytes(input, 10 * megabyte, megabyte, context), 4 * 21 * megabyte);
  EXPECT_EQ(sensitivity_bytes(input, 400 * megabyte, megabyte, context), 2 * 801 * megabyte);
  EXPECT_EQ(sensitivity_bytes(input, 2000 * megabyte, megabyte, context), 4001 * megabyte) << "one at the least";
}

TEST_F(SensitivityTest, ThreadsDoNotMatterAndLittleMemoryOnlyMeansFewerSamples) {
  const auto one = measure(1), three = measure(3), little = measure(1, 1);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].noise, three[i].noise) << one[i].unit.name;
  EXPECT_EQ(little[0].accuracy.images.size(), 1U);
  EXPECT_EQ(one[0].accuracy.images.size(), samples_);
}

TEST_F(SensitivityTest, WhatDoesNotReachTheFirstOutputDoesNotDisturbIt) {
  model_ = text_model(R"(g (float[1,2,4,4] x) => (float[1,2,4,4] y, float[1,2,4,4] z) <float[2,2,1,1] w, float[2,2,1,1] v> {
    y = Conv (x, w)
    a = Relu (y)
    z = Conv (a, v)
  })");
  planned_ = plan_graph(model_, scheme_);
  plan_ = {planned_.prepared, planned_.placement, planned_.encodings};
  for (const auto& row : measure()) EXPECT_EQ(row.noise > 0, row.unit.name == "x" || row.unit.name == "y") << row.unit.name;
}

}  // namespace
}  // namespace quantize::test
