// Outputs that became integers or classes against the floats they stand for: whatever is changed is one issue, about that output alone.
#include <gtest/gtest.h>

#include "model/edit.h"
#include "rewrite/output_type.h"
#include "support/run_model.h"
#include "support/text_model.h"
#include "verify/verify.h"

namespace quantize::test {
namespace {

Issues issues_of(const Model& with_floats, const Model& written, std::optional<int> class_axis = 1) {
  return check_outputs(with_floats.proto, written.proto, class_axis, random_inputs(with_floats.proto));
}

void expect_one(const Issues& issues, const std::string& output) {
  ASSERT_EQ(issues.size(), 1U);
  EXPECT_EQ(issues[0].find("output '" + output + "' of type"), 0U) << issues[0];
}

Model with_metadata(Model model, const std::string& key, const std::string& value) {
  for (auto& entry : *model.proto.mutable_metadata_props()) {
    if (entry.key() == key) entry.set_value(value);
  }
  return model;
}

Model with_other_weight(Model model, const std::string& name) {
  const Shape shape = shape_of(initializer_of(model, name));
  auto values = float_values(initializer_of(model, name));
  values[0] += 5;
  put_initializer(model.graph(), make_tensor(name, shape, values));
  return model;
}

TEST(CheckOutputs, IntegersAreTheFloatsByScaleAndZeroPoint) {
  const Model floats = text_model(R"(g (float[1,3,4,4] x) => (float[1,5,4,4] y) <float[5,3,1,1] w, float s = {0.0125}, uint8 z = {100}> {
    t = Conv (x, w)  q = QuantizeLinear (t, s, z)  y = DequantizeLinear (q, s, z)
  })");
  Model written = floats;
  give_integers(written);
  EXPECT_EQ(issues_of(floats, written), Issues{});
  expect_one(issues_of(floats, with_metadata(written, "quantize.scale.y", "0.0126")), "y");
  expect_one(issues_of(floats, with_metadata(written, "quantize.zero_point.y", "101")), "y");
  expect_one(issues_of(floats, with_other_weight(written, "w")), "y");
  written.proto.clear_metadata_props();
  expect_one(issues_of(floats, written), "y");
}

// Three axes are of one size, so that the shape of the classes does not tell which of them were the channels. z stays as it is.
TEST(CheckOutputs, ClassesAreTheGreatestChannelsAndOtherOutputsTheSameBits) {
  const Model floats = text_model(R"(g (float[1,3,4,4] x) => (float[1,4,4,4] y, float[1,2,4,4] z) <float[4,3,1,1] w, float[2,3,1,1] v> {
    y = Conv (x, w)  z = Conv (x, v)
  })");
  Model written = floats;
  give_classes(written, 1, {1, 4, 4, 4});
  EXPECT_EQ(issues_of(floats, written), Issues{});
  for (const int other_axis : {2, 3, 4}) expect_one(issues_of(floats, written, other_axis), "y");
  expect_one(issues_of(floats, with_other_weight(written, "w")), "y");
  expect_one(issues_of(floats, with_other_weight(written, "v")), "z");
}

TEST(CheckOutputs, OneChannelIsWhetherItIsOverOneHalf) {
  const Model floats = text_model("g (float[1,1,4,4] x) => (float[1,1,4,4] y) { y = Sigmoid (x) }");
  Model written = floats;
  give_classes(written, 1, {1, 1, 4, 4});
  EXPECT_EQ(issues_of(floats, written), Issues{});
  put_initializer(written.graph(), make_tensor("half", {}, std::vector<float>{0.95F}));  // more than a Sigmoid of up to 2
  expect_one(issues_of(floats, written), "y");
}

TEST(CheckOutputs, APlaneWithoutClassesIsWhetherItIsOverOneHalf) {
  const Model floats = text_model("g (float[1,4,4] x) => (float[1,4,4] y) { y = Sigmoid (x) }");
  Model written = floats;
  give_classes(written, std::nullopt, {1, 4, 4});
  EXPECT_EQ(issues_of(floats, written, std::nullopt), Issues{});
  put_initializer(written.graph(), make_tensor("half", {}, std::vector<float>{0.95F}));
  expect_one(issues_of(floats, written, std::nullopt), "y");
}

}  // namespace
}  // namespace quantize::test
