// The same results to the last bit, and only for convolutions that ONNX Runtime runs in integers and slowly.
#include "rewrite/merge_groups.h"

#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "model/attribute.h"
#include "model/edit.h"
#include "rewrite/rewrite.h"
#include "run/session.h"

namespace quantize::test {
namespace {

// x -> Conv with groups -> Relu -> Conv, so that the first one's result is rounded; the second has room for the weights that the first
// gains.
Model grouped(const std::string& attributes, const std::string& weight, const std::string& channels, const std::string& scheme = "w8a8") {
  const auto text = "g (float[1," + channels.substr(0, channels.find(' ')) + R"(,12,12] x) => (float[1,128,H,W] y)
    <float[)" + weight +
                    "] w, float[128," + channels.substr(channels.find(' ') + 1) + R"(,5,5] v> { a = Conv <)" + attributes +
                    R"(> (x, w)  r = Relu (a)  y = Conv (r, v) })";
  const auto planned = plan_graph(text_model_for(scheme_named(scheme), text), scheme_named(scheme));
  return rewrite(planned.prepared, planned.placement, planned.encodings);
}

std::int64_t first_group(const Model& model) {
  for (const auto& node : model.graph().node()) {
    if (node.op_type() == "Conv") return int_attribute(node, "group", 1);
  }
  return 0;
}

TEST(MergeGroups, TheSameBitsFromFewerGroups) {
  const std::vector<std::tuple<std::string, std::string, std::string, std::int64_t>> kinds = {
      {"group = 8, pads = [1,1,1,1]", "24,5,3,3", "40 24", 1},
      {"group = 16, strides = [2,2]", "64,4,3,3", "64 64", 2},
      {"group = 32, dilations = [2,1], pads = [2,1,2,1]", "64,1,3,3", "32 64", 2},
      {"group = 8", "64,8,1,1", "64 64", 2}};
  for (const auto& [attributes, weight, channels, groups] : kinds) {
    const Model before = grouped(attributes, weight, channels);
    Model after = before;
    ASSERT_EQ(merge_groups(after), 1) << attributes;
    EXPECT_EQ(first_group(after), groups) << attributes;
    const auto inputs = random_inputs(before.proto);
    EXPECT_EQ(Session(after.proto).run(inputs)[0].bytes, Session(before.proto).run(inputs)[0].bytes) << attributes;
  }
}

TEST(MergeGroups, WhatIsFastOrFloatStaysAsItIs) {
  const auto changed = [](Model model) { return merge_groups(model); };
  EXPECT_EQ(changed(grouped("group = 32, pads = [1,1,1,1]", "32,1,3,3", "32 32")), 0) << "depthwise";
  EXPECT_EQ(changed(grouped("group = 2, pads = [1,1,1,1]", "64,64,3,3", "128 64")), 0) << "groups of 64 channels";
  EXPECT_EQ(changed(grouped("pads = [1,1,1,1]", "24,40,3,3", "40 24")), 0) << "one group";
  EXPECT_EQ(changed(grouped("group = 8, pads = [1,1,1,1]", "24,5,3,3", "40 24", "w8a16")), 0) << "16 bits run in float";
  const auto last = plan_graph(text_model("g (float[1,40,8,8] x) => (float[1,24,8,8] y) <float[24,5,3,3] w, float[40,40,3,3] v> { "
                                          "a = Conv <pads = [1,1,1,1]> (x, v) y = Conv <group = 8, pads = [1,1,1,1]> (a, w) }"),
                               scheme_named("w8a8"));
  EXPECT_EQ(changed(rewrite(last.prepared, last.placement, last.encodings)), 0) << "its result stays float, and so does its kernel";
}

TEST(MergeGroups, TheFileGrowsByNoMoreThanAnEighth) {
  // 1080 values become 8640; the second convolution holds 24 x 64 x k x k.
  const auto changed = [](const std::string& kernel) {
    const auto planned = plan_graph(text_model("g (float[1,40,12,12] x) => (float[1,64,H,W] y) <float[24,5,3,3] w, float[64,24," + kernel +
                                               "] v> { a = Conv <group = 8> (x, w)  y = Conv (a, v) }"),
                                    scheme_named("w8a8"));
    Model model = rewrite(planned.prepared, planned.placement, planned.encodings);
    return merge_groups(model);
  };
  EXPECT_EQ(changed("5,5"), 0);  // 38400 values
  EXPECT_EQ(changed("7,7"), 1);  // 75264 values
}

TEST(SplitGroups, GivesBackEachGroupsOwn) {
  const std::vector<std::int64_t> merged = {1, 2, 0, 0, 0, 0, 3, 4};  // two rows, of two groups with two channels
  EXPECT_EQ(split_groups(merged, std::vector<std::int64_t>{2, 4, 1}, std::vector<std::int64_t>{2, 2, 1}, 2),
            (std::vector<std::int64_t>{1, 2, 3, 4}));
  const std::vector<std::int64_t> leaking = {1, 2, 0, 5, 0, 0, 3, 4};
  EXPECT_FALSE(split_groups(leaking, std::vector<std::int64_t>{2, 4, 1}, std::vector<std::int64_t>{2, 2, 1}, 2));
  EXPECT_FALSE(split_groups(merged, std::vector<std::int64_t>{2, 4, 1}, std::vector<std::int64_t>{2, 3, 1}, 2));
  EXPECT_FALSE(split_groups(merged, std::vector<std::int64_t>{2, 4, 1}, std::vector<std::int64_t>{2, 2, 2}, 2));
}

}  // namespace
}  // namespace quantize::test
