#include "optimize/migrate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "encode/plan_fixture.h"
#include "model/edit.h"
#include "rewrite/rewrite.h"

namespace quantize::test {
namespace {

constexpr const char* normalized =
    R"(g (float[1,6,8] x) => (float[1,6,4] y, float[1,6,3] z) <float[8] g, float[8] b, float[8,4] w, float[8,3] v> {
  n = LayerNormalization <axis = -1> (x, g, b)
  y = MatMul (n, w)
  z = MatMul (n, v)
})";

// One channel 50 times the others, as normalizations in transformers have it.
Model with_outlier(Model model, const std::string& weight) {
  std::vector<float> gain(8, 1.0F);
  gain[3] = 50;
  put_initializer(model.graph(), make_tensor("g", {8}, gain));
  const auto tensor = initializer_of(model, weight);
  auto values = float_values(tensor);
  const auto columns = static_cast<std::size_t>(shape_of(tensor)[1]);
  for (std::size_t i = 0; i < columns; ++i) values[3 * columns + i] *= 0.02F;
  put_initializer(model.graph(), make_tensor(weight, shape_of(tensor), values));
  return model;
}

Plan plan_of(const Model& model) {
  auto planned = plan_graph(model, scheme_named("w8a8"));
  return {planned.prepared, planned.placement, planned.encodings};
}

int migrate_model(Plan& plan, double strength = 0.5) {
  const OptimizeInput input{.scheme = scheme_named("w8a8"), .load = random_samples(plan.model), .samples = 4};
  return Migration(plan, input, Context()).apply(plan.model, strength);
}

double squared_error(const Model& fp32, const Plan& plan) {
  const auto quantized = rewrite(plan_of(plan.model).model, plan.placement, plan_of(plan.model).encodings);
  const auto inputs = random_inputs(fp32.proto, 2);
  const auto wanted = run_model(fp32.proto, inputs), got = run_model(quantized.proto, inputs);
  double error = 0;
  for (std::size_t o = 0; o < wanted.size(); ++o) {
    for (std::size_t i = 0; i < wanted[o].as<float>().size(); ++i) error += std::pow(wanted[o].as<float>()[i] - got[o].as<float>()[i], 2);
  }
  return error;
}

TEST(Migrate, ANormalizationsOutlierGoesIntoTheProductsThatReadIt) {
  const Model model = with_outlier(with_outlier(text_model(normalized), "w"), "v");
  Plan plan = plan_of(model);
  const double before = squared_error(model, plan);
  EXPECT_EQ(migrate_model(plan), 8);
  expect_same_function(model.proto, plan.model.proto, 1e-4);
  EXPECT_LT(squared_error(model, plan), before / 10);
}

// s = |x|^a / |W|^(1-a) with |x| = 1: a channel of ones behind Mul and Add, weights of 4 in its row.
TEST(Migrate, TheFactorIsThePapersAndReachesBothConstants) {
  Model model =
      text_model(R"(g (float[1,2,2] x) => (float[1,2,2] y) <float[2] g = {0, 0}, float[2] b = {1, 16}, float[2,2] w = {4, 1, 1, 1}> {
    m = Mul (x, g)
    n = Add (m, b)
    y = MatMul (n, w)
  })");
  Plan plan = plan_of(model);
  EXPECT_EQ(migrate_model(plan, 0.5), 2);
  EXPECT_EQ(float_values(initializer_of(plan.model, "b")), (std::vector<float>{2, 4}));  // by 1/2, by 4
  EXPECT_EQ(float_values(initializer_of(plan.model, "w")), (std::vector<float>{2, 0.5, 4, 4}));
}

TEST(Migrate, GemmWithTransposedWeights) {
  const Model model = text_model(R"(g (float[4,8] x) => (float[4,3] y) <float[8] g, float[8] b, float[3,8] w> {
    n = LayerNormalization (x, g, b)
    y = Gemm <transB = 1> (n, w)
  })");
  Plan plan = plan_of(model);
  EXPECT_EQ(migrate_model(plan), 8);
  expect_same_function(model.proto, plan.model.proto, 1e-4);
}

TEST(Migrate, ProductsOverAListOfTokens) {
  const Model model = text_model(
      R"(g (float[1,6,8] x) => (float[6,4] y, float[6,3] z) <float[8] g, float[8] b, float[8,4] w, float[8,3] v, float[3] c, int64[2] s = {-1, 8}> {
    n = LayerNormalization (x, g, b)
    l = Reshape (n, s)
    y = MatMul (l, w)
    z = Gemm (l, v, c)
  })");
  Plan plan = plan_of(model);
  EXPECT_EQ(migrate_model(plan), 8);
  expect_same_function(model.proto, plan.model.proto, 1e-4);
}

TEST(Migrate, WhatIsMadeFirstMayBeReadLast) {
  const Model model = text_model(R"(g (float[1,6,8] x) => (float[1,6,4] y, float[1,6,4] z)
      <float[8] g, float[8] b, float[8] h, float[8] c, float[8,4] v, float[8,4] w> {
    m = LayerNormalization (x, g, b)
    n = LayerNormalization (x, h, c)
    y = MatMul (n, v)
    z = MatMul (m, w)
  })");
  Plan plan = plan_of(model);
  EXPECT_EQ(migrate_model(plan), 16);
  expect_same_function(model.proto, plan.model.proto, 1e-4);
}

TEST(Migrate, OtherReadersSharedConstantsAndOutputsForbidIt) {
  for (const char* graph : {
           R"(g (float[1,6,8] x) => (float[1,6,4] y, float[1,6,8] s) <float[8] g, float[8] b, float[8,4] w> {
    n = LayerNormalization (x, g, b)
    y = MatMul (n, w)
    s = Sigmoid (n)
  })",
           R"(g (float[1,6,8] x) => (float[1,6,4] y, float[1,6,8] n) <float[8] g, float[8] b, float[8,4] w> {
    n = LayerNormalization (x, g, b)
    y = MatMul (n, w)
  })",
           R"(g (float[1,6,8] x) => (float[1,6,4] y, float[1,6,8] s) <float[8] g, float[8] b, float[8,4] w> {
    n = LayerNormalization (x, g, b)
    y = MatMul (n, w)
    s = LayerNormalization (x, g, b)
  })",
           R"(g (float[1,6,8] x) => (float[3,4] y) <float[8] g, float[8] b, float[16,4] w, int64[2] s = {-1, 16}> {
    n = LayerNormalization (x, g, b)
    l = Reshape (n, s)
    y = MatMul (l, w)
  })",
           R"(g (float[1,6,8] x) => (float[1,6,4] y) <float[8] b, float[8,4] w> {
    n = Add (x, b)
    y = MatMul (n, w)
  })"}) {
    Plan plan = plan_of(text_model(graph));
    EXPECT_EQ(migrate_model(plan), 0) << graph;
  }
}

}  // namespace
}  // namespace quantize::test
