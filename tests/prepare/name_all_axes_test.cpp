#include "model/attribute.h"
#include "model/graph.h"
#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

// What the input of the first node of this type holds, as text.
std::string input_values(const Model& model, const std::string& type, int input) {
  const GraphIndex index(model.graph());
  const auto& node = *std::ranges::find(model.graph().node(), type, [](const auto& one) { return one.op_type(); });
  const auto* tensor = node.input_size() > input ? index.initializer(node.input(input)) : nullptr;
  std::string text;
  for (const float value : tensor != nullptr ? float_values(*tensor) : std::vector<float>()) {
    std::string digits = std::to_string(value);
    digits.erase(digits.find_last_not_of('0') + 1);
    text += (text.empty() ? "" : " ") + digits.substr(0, digits.ends_with('.') ? digits.size() - 1 : digits.size());
  }
  return text;
}

TEST(NameAllAxes, Pads) {
  const auto result = run_pass_on(
      "g (float[n,2,4,5] x) => (float y) <int64[4] p = {1,2,3,4}, int64[2] ax = {-1,2}> { y = Pad <mode = \"edge\"> (x, p, , ax) }",
      name_all_axes, 18);
  EXPECT_EQ(input_values(result.after, "Pad", 1), "0 0 2 1 0 0 4 3");
  EXPECT_EQ(result.after.graph().node(0).input_size(), 2);
  EXPECT_EQ(result.detail, "1 node");
  const auto with_value =
      run_pass_on("g (float[n,2,4] x) => (float y) <int64[2] p = {1,-1}, int64[1] ax = {2}, float v = {7}> { y = Pad (x, p, v, ax) }",
                  name_all_axes, 18);
  EXPECT_EQ(input_values(with_value.after, "Pad", 1), "0 0 1 0 0 -1");
  EXPECT_EQ(with_value.after.graph().node(0).input_size(), 3);
}

TEST(NameAllAxes, ScalesOfAResize) {
  const auto result =
      run_pass_on("g (float[n,2,4,6] x) => (float y) <float[2] s = {2,1.5}> { y = Resize <axes = [3,2], mode = \"linear\"> (x, , s) }",
                  name_all_axes, 18);
  EXPECT_EQ(input_values(result.after, "Resize", 2), "1 1 1.5 2");
  EXPECT_EQ(find_attribute(result.after.graph().node(0), "axes"), nullptr);
}

TEST(NameAllAxes, SizesOfAResize) {
  const auto fixed =
      run_pass_on("g (float[2,2,4,6] x) => (float y) <int64[2] s = {7,4}> { y = Resize <axes = [2,3], mode = \"linear\"> (x, , , s) }",
                  name_all_axes, 18);
  EXPECT_EQ(input_values(fixed.after, "Resize", 3), "2 2 7 4");
  const auto free_batch =
      run_pass_on("g (float[n,2,4,8] x) => (float y) <int64[2] s = {7,4}> { y = Resize <axes = [2,3], mode = \"linear\"> (x, , , s) }",
                  name_all_axes, 18);
  EXPECT_EQ(input_values(free_batch.after, "Resize", 2), "1 1 1.75 0.5") << "the same sizes, whatever the batch";
  EXPECT_EQ(free_batch.after.graph().node(0).input_size(), 3);
}

TEST(NameAllAxes, SizesThatKeepTheAspectRatio) {
  const auto result = run_pass_on(
      "g (float[1,2,4,8] x) => (float y) <int64[2] s = {7,4}> { y = Resize <axes = [2,3], mode = \"linear\", "
      "keep_aspect_ratio_policy = \"not_larger\"> (x, , , s) }",
      name_all_axes, 18);
  EXPECT_EQ(input_values(result.after, "Resize", 2), "1 1 0.5 0.5");
}

TEST(NameAllAxes, TheRegionOfACrop) {
  const auto result = run_pass_on(
      "g (float[n,2,4,4] x) => (float y) <float[4] r = {0.2,0.1,0.7,0.8}, float[2] s = {1.5,1.5}> { y = Resize <axes = [2,3], mode = "
      "\"linear\", coordinate_transformation_mode = \"tf_crop_and_resize\"> (x, r, s) }",
      name_all_axes, 18);
  EXPECT_EQ(input_values(result.after, "Resize", 1), "0 0 0.2 0.1 1 1 0.7 0.8");
}

// A quotient that float rounds down would give one pixel less.
TEST(NameAllAxes, ScalesGiveTheSizesThatWereAskedFor) {
  for (const auto& [from, to] : {std::pair("17", "30"), {"3", "7"}, {"41", "97"}}) {
    const std::string graph = "g (float[n,2," + std::string(from) + "," + from + "] x) => (float y) <int64[2] s = {" + to + "," + to +
                              "}> { y = Resize <axes = [2,3]> (x, , , s) }";
    EXPECT_EQ(run_pass_on(graph.c_str(), name_all_axes, 18).detail, "1 node") << graph;
  }
}

TEST(NameAllAxes, WhatIsNotKnownStays) {
  EXPECT_EQ(run_pass_on(
                "g (float[n,2,4,3] x, int64[4] p) => (float y) <int64[2] ax = {2,3}> { y = Pad (x, p, , ax) }",
                [](Model& model) { return name_all_axes(model); }, 18)
                .detail,
            "");
}

}  // namespace
}  // namespace quantize::test
