#include "encode/pair_overflow.h"

#include <gtest/gtest.h>

#include <cmath>

#include "model/edit.h"
#include "plan_fixture.h"
#include "rewrite/rewrite.h"
#include "run/session.h"

namespace quantize::test {
namespace {

using Proto = onnx::TensorProto;

// Four input channels, 16 output channels of a pointwise convolution: row 0 has its two largest weights, of one sign, in one pair; row 1 in
// two pairs; row 2 in one pair but of opposite sign; the others are small beside their largest.
Model pointwise(const std::string& result = "  y = Conv (c, u)\n") {
  Model model =
      text_model("g (float[1,4,8,8] x) => (float[1,1,8,8] y) <float[16,4,1,1] w, float[1,16,1,1] u> {\n  c = Conv (x, w)\n" + result + "}");
  std::vector<float> w(64, 0.1F);
  for (std::size_t row = 0; row < 16; ++row) w[row * 4] = 1.0F;
  w[0 * 4 + 1] = 0.9F;
  w[1 * 4 + 2] = 0.9F;
  w[2 * 4 + 1] = -0.9F;
  put_initializer(model.graph(), make_tensor("w", {16, 4, 1, 1}, w));
  return model;
}

// Statistics of x with these largest values per channel, all of them non-negative, the tensor's range being [0, 1].
Statistics inputs_up_to(const std::vector<float>& largest) {
  Statistics statistics;
  auto& seen = statistics["x"];
  for (const float value : largest) {
    const float values[] = {0.0F, value};
    ChannelStatistics channel;
    channel.count = 2;
    channel.min = 0;
    channel.max = value;
    seen.channels.push_back(channel);
    seen.count += 2;
    seen.min = 0;
    seen.max = std::max(seen.max, value);
    seen.histogram.cover(value);
    seen.histogram.add(values);
  }
  return statistics;
}

struct Planned {
  Model model;
  Placement placement;
  Statistics statistics;
  Encodings encodings;
};

Planned planned(Model model, const std::vector<float>& largest, const std::string& scheme = "w8a8") {
  Planned plan{std::move(model), {}, inputs_up_to(largest), {}};
  plan.placement = place(plan.model, find_target("ort-cpu"));
  auto all = observe_all(plan.model, plan.placement.observed());
  all["x"] = plan.statistics["x"];
  plan.statistics = std::move(all);
  Context context;
  plan.encodings = encode(plan.model, plan.placement, plan.statistics, scheme_named(scheme), context);
  return plan;
}

std::vector<NarrowedWeight> narrow(Planned& plan, double limit = 32767) {
  return avoid_pair_overflow(plan.model, plan.placement, plan.statistics, plan.encodings, {limit});
}

TEST(PairOverflow, OnlyTheChannelsThatOverflowGetSevenBits) {
  auto plan = planned(pointwise(), {1, 1, 1, 1});
  const auto before = plan.encodings.weights.at("w");
  const auto narrowed = narrow(plan);  // row 0: 127 * 255 + 114 * 255 = 61455
  ASSERT_EQ(narrowed.size(), 1U);
  EXPECT_EQ(narrowed[0].weight, "w");
  EXPECT_EQ(narrowed[0].channels, 15);  // row 2's large pair is of opposite sign; elsewhere 127 * 255 + 13 * 255 = 35700
  EXPECT_EQ(narrowed[0].of, 16);
  const auto& after = plan.encodings.weights.at("w");
  EXPECT_EQ(after.largest[0], 63);
  EXPECT_EQ(after.largest[2], 127);
  EXPECT_FLOAT_EQ(after.scale[0], before.scale[0] * 127 / 63);
  EXPECT_EQ(after.scale[2], before.scale[2]);
  EXPECT_EQ(narrow(plan).size(), 0U) << "nothing is left to do";
}

TEST(PairOverflow, SmallActivationsInOneChannelMakeRoom) {
  auto plan = planned(pointwise(), {1, 0.5F / 255, 1, 1});  // channel 1 never leaves integer 0
  EXPECT_TRUE(narrow(plan).empty());
  plan = planned(pointwise(), {1, 5.0F / 255, 1, 1});  // row 0: 127 * 255 + 114 * 5 = 32955; others: 127 * 255 + 13 * 5 = 32450
  const auto narrowed = narrow(plan);
  ASSERT_EQ(narrowed.size(), 1U);
  EXPECT_EQ(narrowed[0].channels, 1);
  plan = planned(pointwise(), {1, 5.0F / 255, 1, 1});
  EXPECT_EQ(narrow(plan, 32400).at(0).channels, 15) << "a lower limit leaves a margin";
}

TEST(PairOverflow, WhereNoIntegerKernelAddsPairsNothingIsChanged) {
  auto float_result =
      planned(text_model(R"(g (float[1,4,8,8] x) => (float[1,16,8,8] y) <float[16,4,1,1] w> { y = Conv (x, w) })"), {1, 1, 1, 1});
  EXPECT_TRUE(narrow(float_result).empty());  // the logits stay float, and so does the kernel
  auto depthwise = planned(text_model(R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,1,3,3] w, float[4,4,1,1] u> {
        c = Conv <group = 4, pads = [1,1,1,1]> (x, w)
        y = Conv (c, u)
      })"),
                           {1, 1, 1, 1});
  EXPECT_TRUE(narrow(depthwise).empty());
  auto wide =
      planned(text_model_for(scheme_named("w8a16"), R"(g (float[1,4,8,8] x) => (float[1,1,8,8] y) <float[16,4,1,1] w, float[1,16,1,1] u> {
        c = Conv (x, w)
        y = Conv (c, u)
      })"),
              {1, 1, 1, 1}, "w8a16");
  EXPECT_TRUE(narrow(wide).empty());
}

// Signed integers do not stand for a Relu: it stays between the convolution and the rounding of its result.
TEST(PairOverflow, BeforeAReluThatStaysThereIsNoIntegerKernel) {
  Scheme scheme = scheme_named("w8a8");
  const auto narrowed = [&](const std::string& result) {
    auto plan = plan_graph(pointwise(result), scheme);
    return avoid_pair_overflow(plan.prepared, plan.placement, plan.statistics, plan.encodings).size();
  };
  const std::string plain = "  y = Conv (c, u)\n", relu = "  r = Relu (c)\n  y = Conv (r, u)\n";
  EXPECT_EQ(narrowed(relu), 1U);
  scheme.activations = Symmetry::symmetric;
  EXPECT_EQ(narrowed(plain), 1U);
  EXPECT_EQ(narrowed(relu), 0U);
}

// The order of the pairs: channels are innermost, so that with two channels the pair is the same tap of both, not two taps of one.
TEST(PairOverflow, PairsAreNeighbouringChannelsOfOneTap) {
  Model model = text_model(R"(g (float[1,2,8,8] x) => (float[1,1,8,8] y) <float[1,2,1,2] w, float[1,1,1,1] u> {
    c = Conv <pads = [0,0,0,1]> (x, w)
    y = Conv (c, u)
  })");
  put_initializer(model.graph(), make_tensor("w", {1, 2, 1, 2}, std::vector<float>{1, 1, 0, 0}));  // both taps of channel 0
  auto apart = planned(model, {1, 1});
  EXPECT_TRUE(narrow(apart).empty());
  put_initializer(model.graph(), make_tensor("w", {1, 2, 1, 2}, std::vector<float>{1, 0, 1, 0}));  // tap 0 of both channels
  auto together = planned(model, {1, 1});
  EXPECT_EQ(narrow(together).size(), 1U);
}

// With three channels, ONNX Runtime's third product meets the next tap's first; oneDNN's meets nothing, and the second tap starts anew.
TEST(PairOverflow, OneDnnPadsTheChannels) {
  Model model = text_model(R"(g (float[1,3,8,8] x) => (float[1,1,8,8] y) <float[1,3,1,2] w, float[1,1,1,1] u> {
    c = Conv <pads = [0,0,0,1]> (x, w)
    y = Conv (c, u)
  })");
  const auto narrowed = [&](const std::vector<float>& w, bool onednn) {
    put_initializer(model.graph(), make_tensor("w", {1, 3, 1, 2}, w));
    auto plan = planned(model, {1, 1, 1});
    return avoid_pair_overflow(plan.model, plan.placement, plan.statistics, plan.encodings, {.onednn = onednn}).size();
  };
  const std::vector<float> third_and_next{0, 1, 0, 0, 1, 0}, last_two{0, 0, 0, 1, 0, 1}, first_two_of_second{0, 1, 0, 1, 0, 0};
  EXPECT_EQ(narrowed(third_and_next, false), 1U);
  EXPECT_EQ(narrowed(last_two, false), 1U);
  EXPECT_EQ(narrowed(first_two_of_second, false), 0U);
  EXPECT_EQ(narrowed(first_two_of_second, true), 1U);
}

// Merged groups (merge_groups.h) may put an odd number of zeros in front of a group's three channels: then the last two are a pair.
TEST(PairOverflow, WhereGroupsMayBeMergedPairsBeginAtEitherChannel) {
  Model model = text_model(R"(g (float[1,6,8,8] x) => (float[1,1,8,8] y) <float[2,3,1,1] w, float[1,2,1,1] u> {
    c = Conv <group = 2> (x, w)
    y = Conv (c, u)
  })");
  put_initializer(model.graph(), make_tensor("w", {2, 3, 1, 1}, std::vector<float>{0, 1, 1, 1, 0, 1}));
  for (const bool merged : {false, true}) {
    auto plan = planned(model, {1, 1, 1, 1, 1, 1});
    const auto found = avoid_pair_overflow(plan.model, plan.placement, plan.statistics, plan.encodings, {.merged_groups = merged});
    ASSERT_EQ(found.size(), merged ? 1U : 0U);
    EXPECT_EQ(std::ranges::count(plan.encodings.weights.at("w").largest, 63), merged ? 1 : 0);
  }
}

// Which ONNX Runtime runs in float and oneDNN in integers: a convolution with a float result, and a transposed one.
TEST(PairOverflow, OneDnnRunsMoreInIntegers) {
  for (const std::string kind : {"Conv", "ConvTranspose"}) {
    Model model = text_model("g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,1,1] w> { y = " + kind + " (x, w) }");
    put_initializer(model.graph(), make_tensor("w", {4, 4, 1, 1}, std::vector<float>(16, 1.0F)));
    for (const bool onednn : {false, true}) {
      auto plan = planned(model, {1, 1, 1, 1});
      const auto found = avoid_pair_overflow(plan.model, plan.placement, plan.statistics, plan.encodings, {.onednn = onednn});
      EXPECT_EQ(found.size(), onednn ? 1U : 0U) << kind;
    }
  }
}

// The pair is input channels 0 and 1 of output channel 1, wherever the weight has them.
TEST(PairOverflow, EveryLayoutOfWeightsIsReadByOutputChannel) {
  const std::vector<std::pair<std::string, bool>> kinds = {{"Conv (x, w)", true},
                                                           {"ConvTranspose (x, w)", false},
                                                           {"Gemm (x, w)", false},
                                                           {"Gemm <transB = 1> (x, w)", true},
                                                           {"MatMul (x, w)", false}};
  for (const auto& [node, outputs_first] : kinds) {
    const bool is_conv = node.starts_with("Conv");
    const std::string dims = is_conv ? "1,4,1,1" : "1,4";
    Model model = text_model("g (float[" + dims + "] x) => (float[" + dims + "] y) <float[" + (is_conv ? "4,4,1,1" : "4,4") +
                             "] w> { y = " + node + " }");
    std::vector<float> values(16);  // elsewhere the signs differ within each pair
    for (std::size_t i = 0; i < 16; ++i) values[i] = (outputs_first ? i % 2 : i / 4 % 2) == 0 ? 1.0F : -1.0F;
    values[5] = 1;
    put_initializer(model.graph(), make_tensor("w", is_conv ? Shape{4, 4, 1, 1} : Shape{4, 4}, values));
    auto plan = planned(model, {1, 1, 1, 1});
    const auto found = avoid_pair_overflow(plan.model, plan.placement, plan.statistics, plan.encodings, {.onednn = true});
    ASSERT_EQ(found.size(), 1U) << node;
    const auto& largest = plan.encodings.weights.at("w").largest;
    for (std::size_t row = 0; row < 4; ++row) EXPECT_EQ(largest[row], row == 1 ? 63 : 127) << node << " row " << row;
  }
}

// What it is for: the fused integer kernels of this very processor compute what Quantize/DequantizeLinear mean. On a processor with 8-bit
// dot products they do so anyway.
TEST(PairOverflow, FusedKernelsComputeWhatTheFileSays) {
  auto plan = planned(pointwise(), {1, 1, 1, 1});
  narrow(plan);
  const Model written = rewrite(plan.model, plan.placement, plan.encodings);
  const Session fused(written.proto), exact(written.proto, {.optimization = Optimization::none});
  const std::vector<Tensor> brightest = {Tensor::of({1, 4, 8, 8}, std::vector<float>(256, 1.0F))};
  const auto a = fused.run(brightest), b = exact.run(brightest);
  const float step = plan.encodings.activations.at("c").scale[0];
  for (std::size_t i = 0; i < a[0].as<float>().size(); ++i) EXPECT_NEAR(a[0].as<float>()[i], b[0].as<float>()[i], 16 * step);
}

}  // namespace
}  // namespace quantize::test
