// The zoo: one small model per trait of the models that people have (tests/zoo/*.onnxtxt), each taken the whole way - prepare, calibrate,
// encode, rewrite - and run in ONNX Runtime with its graph optimisations off and on. See support/error_bound.h for the tolerance.
//
// A file begins with comment lines: the trait; `opset: 9, ir: 4` where it is not 17 and 8; and what is expected of it, which is the
// operators of the prepared graph that are quantized and those that stay float, in order: `quantized: Conv Relu Conv`, `float: Softmax`.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>
#include <sstream>

#include "encode/pair_overflow.h"
#include "prepare/prepare.h"
#include "rewrite/rewrite.h"
#include "run/session.h"
#include "support/error_bound.h"

namespace quantize::test {
namespace {

constexpr double float_rounding = 1e-4;  // of an output's range: what the parity check of preparation allows

struct Animal {
  std::string name;
  Model model;
  std::string quantized, floating;
};

// The text behind `key` up to a comma or the end of the line.
std::string directive(const std::string& text, const std::string& key) {
  const auto at = text.find(key + ": ");
  if (at == std::string::npos) return {};
  const auto begin = at + key.size() + 2;
  return text.substr(begin, text.find_first_of(",\n", begin) - begin);
}

std::vector<std::filesystem::path> files() {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(QUANTIZE_SOURCE_DIR) / "tests" / "zoo")) {
    if (entry.path().extension() == ".onnxtxt") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Animal load(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string comments, text;
  for (std::string line; std::getline(file, line);) (line.starts_with('#') ? comments : text) += line + "\n";
  const auto number = [&](const char* key, int fallback) {
    const auto word = directive(comments, key);
    return word.empty() ? fallback : std::stoi(word);
  };
  const auto bytes = serialize(text_model(text, number("opset", 17), number("ir", 8)).proto);
  return {path.stem(), parse_model(bytes, path.filename()), directive(comments, "quantized"), directive(comments, "float")};
}

// "Conv Relu": operators of the decisions that are, or are not, to be quantized.
std::string operators(const Placement& placement, bool quantized) {
  std::string text;
  for (const auto& decision : placement.decisions) {
    if (decision.quantized == quantized) text += (text.empty() ? "" : " ") + decision.op_type;
  }
  return text;
}

PlannedGraph plan_animal(const Animal& animal, const Scheme& scheme) {
  const auto samples = random_samples(animal.model);
  const std::vector<std::vector<Tensor>> inputs = {samples(0), samples(1)};
  Model prepared = animal.model;
  const std::int64_t opset = scheme.lowest_opset() > 13 ? scheme.lowest_opset() : 0;
  for (const auto& outcome : prepare(prepared, {.opset = opset}, inputs, Context{}).passes)
    EXPECT_NE(outcome.status, PassOutcome::Status::undone) << outcome.name << ": " << outcome.detail;
  check_model(prepared.proto, "prepared");
  PlannedGraph plan{prepared, place(prepared, find_target("ort-cpu")), {}, {}};
  plan.statistics = calibrate(prepared, plan.placement.observed(), samples, 4, Context());
  Context context;
  plan.encodings = encode(prepared, plan.placement, plan.statistics, scheme, context);
  if (scheme.weight_bits == 8) avoid_pair_overflow(prepared, plan.placement, plan.statistics, plan.encodings);
  return plan;
}

void expect_within(const std::vector<OutputBound>& bounds, const std::vector<Tensor>& expected, const std::vector<Tensor>& actual,
                   const std::string& what) {
  ASSERT_EQ(expected.size(), actual.size()) << what;
  for (std::size_t output = 0; output < expected.size(); ++output) {
    ASSERT_EQ(expected[output].type, actual[output].type) << what;
    ASSERT_EQ(expected[output].shape, actual[output].shape) << what;
    const auto before = values_of(expected[output]), after = values_of(actual[output]);
    const auto& bound = bounds[output];
    if (bound.largest.size() != before.size()) {  // a class map: where two classes are nearly equal, rounding decides
      const auto differing = std::inner_product(before.begin(), before.end(), after.begin(), 0, std::plus<>(), std::not_equal_to<>());
      EXPECT_LE(differing, std::ssize(before) / 8) << what;
      continue;
    }
    const auto [low, high] = std::minmax_element(before.begin(), before.end());
    const bool half = expected[output].type == onnx::TensorProto::FLOAT16;
    const double rounding = (half ? 0x1p-9 : float_rounding) * std::max({*high - *low, std::fabs(*high), std::fabs(*low)});
    double square = 0, foretold = 0;
    // Of the element that may move most: at the kink of a Relu one step says little, and all together say more.
    const double largest = *std::max_element(bound.largest.begin(), bound.largest.end());
    for (std::size_t j = 0; j < before.size(); ++j) {
      const double error = std::fabs(before[j] - after[j]);
      EXPECT_LE(error, largest + rounding) << what << ", output " << output << " element " << j;
      square += error * error;
      foretold += bound.mean_square[j];
    }
    const auto count = static_cast<double>(before.size());
    // Three times the deviation foretold: the errors of one small output hang on few roundings.
    EXPECT_LE(std::sqrt(square / count), 3 * std::sqrt(foretold / count) + rounding) << what << ", output " << output;
  }
}

class Zoo : public testing::TestWithParam<std::filesystem::path> {};

void run_animal(const Animal& animal, const std::string& scheme_name) {
  const PlannedGraph plan = plan_animal(animal, scheme_named(scheme_name));
  if (animal.model.proto.functions_size() == plan.prepared.proto.functions_size()) {  // else the raise of the opset inlined them
    EXPECT_EQ(operators(plan.placement, true), animal.quantized);
    EXPECT_EQ(operators(plan.placement, false), animal.floating);
  }
  const Model quantized = rewrite(plan.prepared, plan.placement, plan.encodings);
  check_model(quantized.proto, "quantized");
  const auto inputs = random_samples(animal.model)(0);
  const auto expected = run_model(animal.model.proto, inputs);
  const auto bounds = error_bounds(plan, inputs);
  for (const auto optimization : {Optimization::none, Optimization::all}) {
    const Session session(quantized.proto, {.threads = 1, .optimization = optimization});
    expect_within(bounds, expected, session.run(inputs),
                  scheme_name + (optimization == Optimization::all ? ", optimised" : ", as it is written"));
  }
}

TEST_P(Zoo, IsQuantizedToTheSameFunction) {
  const Animal animal = load(GetParam());
  for (const char* scheme : {"w8a8", "w4a16"}) run_animal(animal, scheme);
}

// One small net, written in every opset from 7 on.
class ZooOpsets : public testing::TestWithParam<int> {};

TEST_P(ZooOpsets, IsQuantizedToTheSameFunction) {
  const int opset = GetParam(), ir = opset < 9 ? 3 : opset < 21 ? 8 : 10;
  const Model model = text_model(
      "g (float[1,3,6,6] x, float[4,3,3,3] w, float[2,4,1,1] v) => (float[1,2] y) <float[4,3,3,3] w, float[2,4,1,1] v> {"
      "  c = Conv <pads = [1,1,1,1]> (x, w)  r = Relu (c)  p = MaxPool <kernel_shape = [2,2], strides = [2,2]> (r)"
      "  d = Conv (p, v)  g = GlobalAveragePool (d)  f = Flatten (g)  y = Softmax (f) }",
      opset, ir);
  const Animal animal{"opset", parse_model(serialize(model.proto), "opset.onnx"), "Conv Relu MaxPool Conv GlobalAveragePool",
                      "Flatten Softmax"};
  for (const char* scheme : {"w8a8", "w4a16"}) run_animal(animal, scheme);
}

INSTANTIATE_TEST_SUITE_P(SevenToNewest, ZooOpsets, testing::Range(7, 25), [](const auto& row) { return std::to_string(row.param); });

INSTANTIATE_TEST_SUITE_P(Models, Zoo, testing::ValuesIn(files()), [](const auto& row) { return row.param.stem().string(); });

}  // namespace
}  // namespace quantize::test
