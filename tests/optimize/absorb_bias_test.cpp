#include "optimize/absorb_bias.h"

#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "model/edit.h"

namespace quantize::test {
namespace {

struct Absorbed {
  int channels = 0;
  Statistics before, after;
  Model model;
};

constexpr const char* two_in_a_row =
    R"(g (float[1,3,4,4] x) => (float[1,2,4,4] y) <float[2,3,1,1] w, float[2] b, float[2,2,1,1] v, float[2] c> {
    a = Conv (x, w, b)
    r = Relu (a)
    y = Conv (r, v, c)
  })";

// Channel 0 of "r" lies far above zero: its bias is 30, what the weights make of inputs between -2 and 2 is at most 6.
Model with_far_channel(const char* graph) {
  Model model = text_model(graph);
  put_initializer(model.graph(), make_tensor("b", {2}, std::vector<float>{30, 0.1F}));
  return model;
}

Absorbed absorb(const char* graph) {
  const Model model = with_far_channel(graph);
  const auto placement = place(model, find_target("ort-cpu"));
  Absorbed result{0, observe_all(model, {"r"}), {}, model};
  result.channels = absorb_biases(result.model, placement, observe_all(model, placement.observed()));
  result.after = observe_all(result.model, {"r"});
  return result;
}

TEST(AbsorbBias, TheEmptyPartOfTheRangeGoesIntoTheReadersBias) {
  const auto result = absorb(two_in_a_row);
  EXPECT_EQ(result.channels, 1);
  EXPECT_GT(result.before.at("r").channels[0].min, 20);
  const auto& channel = result.before.at("r").channels[0];
  EXPECT_NEAR(result.after.at("r").channels[0].min, channel.max - channel.min, 1e-4) << "room for values that the statistics have not seen";
  EXPECT_EQ(result.after.at("r").channels[1].max, result.before.at("r").channels[1].max);
  const Model original = with_far_channel(two_in_a_row);
  const auto inputs = random_inputs(original.proto, 2);  // one of the samples of the statistics
  EXPECT_LT(largest_difference(run_model(original.proto, inputs), run_model(result.model.proto, inputs)), 1e-5);
}

TEST(AbsorbBias, AChannelThatComesAsNearToZeroAsItIsWideKeepsItsBias) {
  Model model = with_far_channel(two_in_a_row);
  const auto placement = place(model, find_target("ort-cpu"));
  auto statistics = observe_all(model, placement.observed());
  auto& channel = statistics.at("r").channels[0];
  channel.min = 10;
  channel.max = 21;
  EXPECT_EQ(absorb_biases(model, placement, statistics), 0);
  channel.max = 19;
  EXPECT_EQ(absorb_biases(model, placement, statistics), 1);
}

TEST(AbsorbBias, PaddingOtherReadersAndOutputsForbidIt) {
  for (const char* graph : {
           R"(g (float[1,3,4,4] x) => (float[1,2,4,4] y) <float[2,3,1,1] w, float[2] b, float[2,2,3,3] v, float[2] c> {
    a = Conv (x, w, b)
    r = Relu (a)
    y = Conv <pads = [1,1,1,1]> (r, v, c)
  })",
           R"(g (float[1,3,4,4] x) => (float[1,2,4,4] y, float[1,2,1,1] z) <float[2,3,1,1] w, float[2] b, float[2,2,1,1] v, float[2] c> {
    a = Conv (x, w, b)
    r = Relu (a)
    y = Conv (r, v, c)
    z = GlobalAveragePool (r)
  })",
           R"(g (float[1,3,4,4] x) => (float[1,2,4,4] y, float[1,2,4,4] r) <float[2,3,1,1] w, float[2] b, float[2,2,1,1] v, float[2] c> {
    a = Conv (x, w, b)
    r = Relu (a)
    y = Conv (r, v, c)
  })"}) {
    EXPECT_EQ(absorb(graph).channels, 0) << graph;
  }
}

}  // namespace
}  // namespace quantize::test
