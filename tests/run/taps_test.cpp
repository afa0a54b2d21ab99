#include "run/taps.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "run/session.h"
#include "support/run_model.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

const Model& doubled() {
  static const Model model = text_model("g (float[1,2,N,5] x) => (float[1,2,N,5] y) { a = Add (x, x)  y = Relu (a) }");
  return model;
}

std::vector<Tensor> counting(std::int64_t rows) {
  std::vector<float> values(static_cast<std::size_t>(10 * rows));
  std::iota(values.begin(), values.end(), 0.0F);
  return {Tensor::of({1, 2, rows, 5}, values)};
}

std::vector<float> sampled(std::int64_t rows, std::int64_t most) {
  const std::string tensor = "a";
  const auto taps = with_sampled_outputs(doubled().proto, {&tensor, 1}, most);
  const auto result = run_model(taps.model, counting(rows));
  EXPECT_EQ(result.size(), 1U);
  const auto values = result[0].as<float>();
  return {values.begin(), values.end()};
}

TEST(SampledOutputs, HoldAllOfASmallTensor) {
  auto values = sampled(2, 20);
  ASSERT_EQ(values.size(), 20U);
  std::ranges::sort(values);
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_EQ(values[i], 2 * static_cast<float>(i));
}

TEST(SampledOutputs, HoldPartOfALargeOneAndMeetAllColumns) {
  const auto values = sampled(2000, 1000);  // 20000 values in 5 columns
  ASSERT_EQ(values.size(), 1000U);
  std::map<int, int> per_column;
  for (const float value : values) ++per_column[static_cast<int>(value / 2) % 5];
  ASSERT_EQ(per_column.size(), 5U);
  for (const auto& [column, count] : per_column) EXPECT_NEAR(count, 200, 20) << column;
  EXPECT_EQ(std::set<float>(values.begin(), values.end()).size(), 1000U);
}

// Of what a network finds there may be nothing.
TEST(SampledOutputs, OfAnEmptyTensorAreNone) { EXPECT_TRUE(sampled(0, 20).empty()); }

// ONNX Runtime refuses what it makes itself of int8 values in front of a Reshape from opset 21 on.
TEST(SampledOutputs, OfIntegersWithASign) {
  const Model model = text_model(
      "g (float[1,2,2,5] x) => (float y) <float s = {0.5}, int8 z = {0}> { q = QuantizeLinear (x, s, z)  d = DequantizeLinear (q, s, z)  "
      "y = Erf (d) }",
      21, 10);
  const std::string tensor = "d";
  const auto taps = with_sampled_outputs(model.proto, {&tensor, 1}, 100);
  const auto result = Session(taps.model).run(counting(2));
  EXPECT_EQ(result[0].size(), 20);
}

TEST(SampledOutputs, ComeInTheOrderAskedFor) {
  const std::vector<std::string> tensors = {"y", "x", "a", "x"};
  const auto taps = with_sampled_outputs(doubled().proto, tensors, 1000);
  ASSERT_EQ(taps.outputs.size(), 4U);
  const auto result = run_model(taps.model, counting(1));
  for (std::size_t i = 0; i < 4; ++i) {
    const auto& outputs = taps.model.graph().output();
    const auto place = std::find_if(outputs.begin(), outputs.end(), [&](const auto& o) { return o.name() == taps.outputs[i]; });
    const auto values = result[static_cast<std::size_t>(place - outputs.begin())].as<float>();
    EXPECT_EQ(*std::ranges::max_element(values), tensors[i] == "x" ? 9 : 18) << i;
  }
}

}  // namespace
}  // namespace quantize::test
