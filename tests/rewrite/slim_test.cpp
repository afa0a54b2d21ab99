#include "rewrite/slim.h"

#include <gtest/gtest.h>

#include "model/attribute.h"
#include "model/edit.h"
#include "support/run_model.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

constexpr const char* wordy =
    R"(g (float[1,2,6,6] picture) => (float[1,2,6,6] logits) <float[2,2,3,3] backbone_first_weight, float[2,2,1,1] head_weight> {
  backbone_first_Conv_output_0 = Conv <pads = [1,1,1,1], dilations = [1,1], strides = [1,1], group = 1> (picture, backbone_first_weight)
  backbone_first_Relu_output_0 = Relu (backbone_first_Conv_output_0)
  logits = Conv <pads = [0,0,0,0]> (backbone_first_Relu_output_0, head_weight)
})";

TEST(Slim, ShortNamesAndTheSameFunction) {
  const Model before = text_model(wordy);
  Model after = before;
  const auto renamed = slim(after.proto);
  EXPECT_EQ(renamed.size(), 4U);
  EXPECT_LE(renamed.at("backbone_first_Conv_output_0").size(), 4U);
  EXPECT_EQ(after.graph().node(0).output(0), renamed.at("backbone_first_Conv_output_0"));
  EXPECT_EQ(after.graph().input(0).name(), "picture");
  EXPECT_EQ(after.graph().output(0).name(), "logits");
  EXPECT_EQ(after.graph().node(0).attribute_size(), 1) << "only the pads say something";
  EXPECT_EQ(after.graph().node(2).attribute_size(), 0);
  EXPECT_LT(after.proto.ByteSizeLong(), before.proto.ByteSizeLong());
  check_model(after.proto, "slim");
  expect_same_function(before.proto, after.proto, 0);
  EXPECT_TRUE(slim(after.proto).empty()) << "there is nothing left to do";
}

TEST(Slim, NodeNamesAndWhatSubgraphsReadStay) {
  Model model = text_model(R"(g (bool which, float[4] a_long_input_name) => (float[4] y) {
    a_long_inner_name = Relu (a_long_input_name)
    another_inner_name = Neg (a_long_inner_name)
    y = If (which) <
      then_branch = one () => (float[4] p) { p = Abs (a_long_inner_name) },
      else_branch = two () => (float[4] q) { q = Exp (a_long_input_name) }>
  })");
  model.graph().mutable_node(0)->set_name("backbone/first/Relu");
  const Model before = model;
  const auto renamed = slim(model.proto);
  EXPECT_FALSE(renamed.contains("a_long_inner_name"));
  EXPECT_EQ(model.graph().node(0).name(), "backbone/first/Relu");
  expect_same_function(before.proto, model.proto, 0);
}

TEST(Slim, EqualInitializersBecomeOne) {
  Model model = text_model(
      R"(g (float[2,6] x) => (float[3,4] y) <int64[2] first_target_shape = {4,3}, int64[2] another_target_shape = {4,3}, int64[2] other = {3,4}> {
    first_reshaped = Reshape (x, first_target_shape)
    second_reshaped = Reshape (first_reshaped, another_target_shape)
    y = Reshape (second_reshaped, other)
  })");
  const Model before = model;
  slim(model.proto);
  EXPECT_EQ(model.graph().initializer_size(), 2);
  expect_same_function(before.proto, model.proto, 0);
}

// In a large model the names are worth what they weigh.
TEST(Slim, ALargeModelKeepsItsNames) {
  Model model = text_model(wordy);
  put_initializer(model.graph(), make_tensor("backbone_first_weight", {2, 2, 50, 51}, std::vector<float>(10200, 0.5F)));
  EXPECT_TRUE(slim(model.proto).empty());
  EXPECT_EQ(model.graph().node(0).output(0), "backbone_first_Conv_output_0");
}

}  // namespace
}  // namespace quantize::test
