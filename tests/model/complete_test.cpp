#include "model/complete.h"

#include <gtest/gtest.h>

#include "model/model.h"
#include "support/error_text.h"
#include "support/run_model.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

Model conv() { return text_model("g (float16[1,1,4,4] x) => (float16[1,1,3,3] y) <float16[1,1,2,2] w> { y = Conv (x, w) }"); }

// As from a file.
Model loaded(const Model& model) { return parse_model(serialize(model.proto), "model.onnx"); }

void expect_loads(const Model& model) {
  EXPECT_EQ(error_text([&] { loaded(model); }, ErrorKind::model), "");
}

TEST(Complete, GraphsWithoutAName) {
  Model model = text_model(R"(g (bool c, float[2] x) => (float[2] y) {
    y = If (c) <then_branch = a () => (float[2] p) { p = Abs (x) }, else_branch = b () => (float[2] q) { q = Neg (x) }>
  })");
  model.graph().clear_name();
  model.graph().mutable_node(0)->mutable_attribute(1)->mutable_g()->clear_name();
  expect_loads(model);
}

TEST(Complete, OutputsGetTheTypeThatFollows) {
  Model model = conv();
  const std::string type = model.graph().output(0).type().SerializeAsString();
  model.graph().mutable_output(0)->clear_type();
  EXPECT_EQ(loaded(model).graph().output(0).type().SerializeAsString(), type);
  model.graph().mutable_output(0)->mutable_type();  // there, but empty
  EXPECT_EQ(loaded(model).graph().output(0).type().SerializeAsString(), type);
}

TEST(Complete, AnOutputWhoseTypeDoesNotFollowStaysAsItIs) {
  Model model = text_model(R"(<ir_version: 8, opset_import: ["" : 17, "own" : 1]> g (float[2] x) => (float[2] y) { y = own.Thing (x) })");
  model.graph().mutable_output(0)->clear_type();
  EXPECT_FALSE(loaded(model).graph().output(0).has_type());
}

TEST(Complete, AnOutputWithoutShapeStaysAsItIs) {
  Model model = conv();
  model.graph().mutable_output(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  EXPECT_FALSE(loaded(model).graph().output(0).type().tensor_type().has_shape());
}

TEST(Complete, WeightsThatVersion3DoesNotListAsInputs) {
  Model model = conv();
  model.proto.set_ir_version(3);
  set_opset(model.proto, 8);
  EXPECT_EQ(loaded(model).proto.ir_version(), 3);
}

TEST(Complete, DomainsThatAreNotImported) {
  Model model = text_model("g (float[2] x) => (float[2] y) { y = Neg (x) }");
  model.graph().mutable_node(0)->set_domain("com.microsoft");
  model.graph().mutable_node(0)->set_op_type("Gelu");
  const Model after = loaded(model);
  ASSERT_EQ(after.proto.opset_import_size(), 2);
  EXPECT_EQ(after.proto.opset_import(1).domain(), "com.microsoft");
  EXPECT_EQ(run_model(after.proto, random_inputs(after.proto)).size(), 1U);
}

TEST(Complete, NothingIsAddedToAModelThatHasAll) {
  const std::string bytes = serialize(conv().proto);
  EXPECT_EQ(serialize(parse_model(bytes, "model.onnx").proto), bytes);
}

TEST(AcceptedByChecker, FunctionsOfAnotherOpset) {
  const Model model = text_model(R"(<ir_version: 8, opset_import: ["" : 17, "local" : 1]> g (float[2] x) => (float[2] y) {
    y = local.Twice (x)
  }
  <domain: "local", opset_import: ["" : 13]> Twice (a) => (b) { b = Add (a, a) })");
  expect_loads(model);
  EXPECT_EQ(run_model(model.proto, random_inputs(model.proto)).size(), 1U);
}

TEST(AcceptedByChecker, WhatALaterVersionDeprecated) {
  EXPECT_NO_THROW(check_model(text_model(R"(g (float[1,4,2,2] x) => (float[1,4,2,2] y) <float[2] s, float[2] b> {
    y = GroupNormalization <num_groups = 2> (x, s, b)
  })",
                                         18)
                                  .proto,
                              "model"));
}

}  // namespace
}  // namespace quantize::test
