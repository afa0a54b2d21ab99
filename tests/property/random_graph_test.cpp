// Whatever the graph, the quantized model differs from FP32 by no more than its own quantization steps explain.
//   QUANTIZE_RANDOM_GRAPHS=N  this many seeds of each kind (ordinarily 50)     QUANTIZE_RANDOM_FIRST=N  the first seed
#include "property/random_graph.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "encode/encodings.h"
#include "observe/calibrate.h"
#include "ops/target.h"
#include "optimize/optimize.h"
#include "prepare/prepare.h"
#include "rewrite/rewrite.h"
#include "run/session.h"
#include "support/run_model.h"
#include "support/step_tolerance.h"
#include "verify/verify.h"

namespace quantize::test {
namespace {

constexpr std::size_t sample_count = 8;  // from so many on, what judges is not learned from, and trials count as calibration

struct Kind {
  const char* scheme;
  Level level;
  RangeMethod method;
};

int setting(const char* name, int fallback) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::atoi(text) : fallback;
}

// ONNX Runtime's, and one that quantizes whatever can be.
Target target_for(int seed) {
  if (seed % 2 == 0) return find_target("ort-cpu");
  return {.name = "all",
          .summary = "",
          .float_operators = {},
          .concat = seed % 4 == 1 ? ConcatSharing::all : ConcatSharing::none,
          .quantize_outputs = true};
}

// What is wrong with the quantized form of this model, in words; empty where nothing is.
std::string defect_of(const Model& original, const Kind& kind, const Target& target) {
  Context context;
  const auto load = [&](std::size_t i) { return random_inputs(original.proto, static_cast<std::uint32_t>(i) + 1); };
  const std::vector<std::vector<Tensor>> inputs = {load(0), load(1)};
  Scheme scheme = Scheme::named(kind.scheme);
  scheme.method = kind.method;
  Plan plan;
  plan.model = original;
  prepare(plan.model, {.opset = scheme.lowest_opset() > 13 ? scheme.lowest_opset() : 0, .strict = true}, inputs, context);
  plan.placement = place(plan.model, target);
  const OptimizeInput optimize{scheme, load, sample_count, 0};
  const auto [steps, seen] = optimize_before_calibration(plan, optimize, kind.level, context);
  const std::vector<std::size_t> numbers(seen.samples.begin(), seen.samples.end());
  const auto again = calibrate(
      plan.model, plan.placement.observed(), [&](std::size_t i) { return load(numbers[i]); }, numbers.size(), context);
  for (const auto& [tensor, known] : seen.statistics) {
    const auto& found = again.at(tensor);
    if (known.count != found.count || known.min != found.min || known.max != found.max)
      return "what the trials saw of " + tensor + " is not what the model has";
  }
  const auto statistics = calibrate(plan.model, plan.placement.observed(), load, sample_count, context);
  plan.encodings = encode(plan.model, plan.placement, statistics, scheme, context);
  optimize_after_encoding(plan, statistics, optimize, kind.level, context);
  const Model quantized = rewrite(plan.model, plan.placement, plan.encodings);
  check_model(quantized.proto, "the quantized model");
  for (const auto& found : {check_weights(plan.model, quantized.proto, plan.placement, plan.encodings), check_biases(quantized.proto),
                            check_activations(plan.model.proto, quantized.proto, plan.placement, plan.encodings),
                            check_integer_activations(plan.model.proto, quantized.proto, plan.placement, plan.encodings)}) {
    if (!found.empty()) return "verification finds: " + found[0];
  }
  for (std::size_t i = 0; i < 2; ++i) {
    const auto defect = beyond_steps(quantized.proto, load(i), run_model(original.proto, load(i)));
    if (!defect.empty()) return defect;
  }
  return "";
}

class RandomGraphs : public testing::TestWithParam<Kind> {};

TEST_P(RandomGraphs, AreQuantizedWithinTheirSteps) {
  const int first = setting("QUANTIZE_RANDOM_FIRST", 0);
  for (int seed = first; seed < first + setting("QUANTIZE_RANDOM_GRAPHS", 50); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    try {
      EXPECT_EQ(defect_of(random_graph(static_cast<std::uint32_t>(seed)), GetParam(), target_for(seed)), "");
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Schemes, RandomGraphs,
                         testing::Values(Kind{"w8a8", Level::o0, RangeMethod::minmax}, Kind{"w8a8", Level::o1, RangeMethod::mse},
                                         Kind{"w8a16", Level::o0, RangeMethod::mse}, Kind{"w4a16", Level::o1, RangeMethod::minmax}),
                         [](const auto& instance) {
                           return std::string(instance.param.scheme) + (instance.param.level == Level::o0 ? "_O0" : "_O1");
                         });

TEST(RandomGraph, IsDecidedByItsSeedAndValid) {
  EXPECT_EQ(serialize(random_graph(7).proto), serialize(random_graph(7).proto));
  EXPECT_NE(serialize(random_graph(7).proto), serialize(random_graph(8).proto));
  for (std::uint32_t seed = 0; seed < 200; ++seed) EXPECT_NO_THROW(check_model(random_graph(seed).proto, "seed " + std::to_string(seed)));
}

}  // namespace
}  // namespace quantize::test
