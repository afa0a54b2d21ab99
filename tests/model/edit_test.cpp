#include "model/edit.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "model/graph.h"
#include "model/model.h"
#include "model/tensor.h"
#include "support/run_model.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

Model branch_model() {
  return text_model(R"(g (bool c, float[2] x) => (float[2] y) <float[2] w, float[2] spare> {
    t = Relu (x)
    dead = Neg (t)
    deader = Abs (dead)
    y = If (c) <then_branch = a () => (float[2] p) { p = Add (t, w) }, else_branch = b () => (float[2] q) { q = Identity (x) }>
  })");
}

TEST(NameMaker, NeverRepeatsAName) {
  NameMaker names(branch_model().graph());
  EXPECT_EQ(names.unique("fresh"), "fresh");
  EXPECT_EQ(names.unique("fresh"), "fresh_1");
  EXPECT_EQ(names.unique("fresh"), "fresh_2");
  for (const std::string used : {"x", "y", "w", "t", "p", "q"}) EXPECT_EQ(names.unique(used), used + "_1");  // p and q are inside a branch
}

TEST(RemoveUnused, KeepsWhatSubgraphsCapture) {
  Model model = branch_model();
  EXPECT_TRUE(remove_unused(model.graph()));
  EXPECT_EQ(operators(model), "Relu If");
  EXPECT_NO_THROW(initializer_of(model, "w"));
  EXPECT_THROW(initializer_of(model, "spare"), std::runtime_error);
  EXPECT_NO_THROW(check_model(model.proto, "after"));
  EXPECT_FALSE(remove_unused(model.graph()));
}

TEST(RemoveUnused, OptionalNamesKeepNothingAlive) {
  Model model = text_model(R"(g (float[2] x, float high) => (float[2] y) {
    first, second = Split <axis = 0, num_outputs = 2> (x)
    y = Clip (x, , high)
  })",
                           18);
  model.graph().mutable_node(0)->set_output(0, "");
  EXPECT_TRUE(remove_unused(model.graph()));
  EXPECT_EQ(operators(model), "Clip");
}

// "spare" is what nobody reads; "own" is captured by the inner branch, "out" is the branch's result.
TEST(RemoveUnused, CleansBodies) {
  Model model = text_model(R"(g (bool c, float[2] x) => (float[2] y) <float[2] w> {
    t = Neg (w)
    y = If (c) <
      then_branch = a () => (float[2] p) <float[2] own = {1, 2}, float[2] spare = {3, 4}> {
        dead = Add (t, spare)
        p = If (c) <then_branch = a2 () => (float[2] p2) { p2 = Add (x, own) }, else_branch = b2 () => (float[2] q2) { q2 = Abs (x) }>
      },
      else_branch = b () => (float[2] out) <float[2] out = {5, 6}> { n = Neg (x) }>
  })");
  EXPECT_TRUE(remove_unused(model.graph()));
  EXPECT_EQ(operators(model), "If");
  EXPECT_EQ(model.graph().initializer_size(), 0);
  const auto& branch = model.graph().node(0).attribute(0).g();
  EXPECT_EQ(branch.node_size(), 1);
  ASSERT_EQ(branch.initializer_size(), 1);
  EXPECT_EQ(branch.initializer(0).name(), "own");
  EXPECT_EQ(model.graph().node(0).attribute(1).g().initializer_size(), 1);
  EXPECT_FALSE(remove_unused(model.graph()));
}

TEST(ReplaceUses, ReachesSubgraphsButNotTheirOwnNames) {
  Model model = branch_model();
  replace_uses(model.graph(), "t", "x");
  EXPECT_EQ(model.graph().node(1).input(0), "x");
  EXPECT_EQ(model.graph().node(3).attribute(0).g().node(0).input(0), "x");
  replace_uses(model.graph(), "p", "x");  // the branch defines p itself
  EXPECT_EQ(model.graph().node(3).attribute(0).g().output(0).name(), "p");
  EXPECT_EQ(model.graph().node(0).output(0), "t");
}

TEST(Nodes, RemoveAndSet) {
  Model model = branch_model();
  remove_nodes(model.graph(), {1, 2});
  EXPECT_EQ(operators(model), "Relu If");
  std::vector<onnx::NodeProto> nodes = {model.graph().node(1)};
  set_nodes(model.graph(), nodes);
  EXPECT_EQ(operators(model), "If");
}

// As onnxconverter-common's float16 writes a model: the Cast of the input behind everything else, also in a branch.
TEST(SortNodes, EachFollowsWhatItNeedsAndTheOthersStayWhereTheyAre) {
  const Model sorted = text_model(R"(g (bool c, float[2] x) => (float[2] y, float[2] z) {
    h = Neg (x)
    a = Exp (h)
    y = If (c) <then_branch = a () => (float[2] p) { i = Abs (a)
                                                     p = Sqrt (i) }, else_branch = b () => (float[2] q) { q = Identity (x) }>
    z = Log (a)
  })");
  Model model = sorted;
  auto& nodes = *model.graph().mutable_node();
  auto& branch = *nodes.Mutable(2)->mutable_attribute(0)->mutable_g()->mutable_node();
  branch.SwapElements(0, 1);
  for (int i = 0; i < 3; ++i) nodes.SwapElements(i, i + 1);
  ASSERT_EQ(operators(model), "Exp If Log Neg");
  sort_nodes(model.graph());
  EXPECT_EQ(serialize(model.proto), serialize(sorted.proto));
}

TEST(SortNodes, ACycleIsLeftAsItIs) {
  Model model = branch_model();
  model.graph().mutable_node(0)->set_input(0, "deader");
  const std::string before = serialize(model.proto);
  sort_nodes(model.graph());
  EXPECT_EQ(serialize(model.proto), before);
}

TEST(Initializers, PutReplacesOrAdds) {
  Model model = branch_model();
  const int count = model.graph().initializer_size();
  put_initializer(model.graph(), make_tensor("w", {2}, std::vector<float>{5, 6}));
  EXPECT_EQ(model.graph().initializer_size(), count);
  EXPECT_EQ(float_values(*find_initializer(model.graph(), "w")), (std::vector<float>{5, 6}));
  put_initializer(model.graph(), make_tensor("new", {2}, std::vector<float>{7, 8}));
  EXPECT_EQ(model.graph().initializer_size(), count + 1);
  EXPECT_EQ(find_initializer(model.graph(), "none"), nullptr);
}

void claim(onnx::GraphProto& graph, const std::string& name) {
  auto& value = *graph.add_value_info();
  value.set_name(name);
  value.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
}

TEST(Initializers, PutDropsWhatIsClaimedAboutThem) {
  Model model = branch_model();
  for (const char* name : {"w", "t"}) claim(model.graph(), name);
  put_initializer(model.graph(), make_tensor("w", {1, 2}, std::vector<float>{5, 6}));
  ASSERT_EQ(model.graph().value_info_size(), 1);
  EXPECT_EQ(model.graph().value_info(0).name(), "t");
}

TEST(Initializers, ClaimsAboutThemAreDroppedInBodiesToo) {
  Model model = text_model(R"(g (bool c, float[2] x) => (float[2] y) <float[2] w> {
    t = Mul (x, w)
    y = If (c) <then_branch = a () => (float[2] p) <float[2] v = {1, 2}> { p = Add (t, v) },
                else_branch = b () => (float[2] q) { q = Identity (t) }>
  })");
  auto& branch = *model.graph().mutable_node(1)->mutable_attribute(0)->mutable_g();
  claim(branch, "v");
  for (const char* name : {"w", "t"}) claim(model.graph(), name);
  drop_claims_about_initializers(model.graph());
  ASSERT_EQ(model.graph().value_info_size(), 1);
  EXPECT_EQ(model.graph().value_info(0).name(), "t");
  EXPECT_EQ(branch.value_info_size(), 0);
}

constexpr const char* chain = R"(g (float[1,2,4,4] x) => (float[1,2,4,4] y) <float[2,2,1,1] w, float[2,2,1,1] v> {
  a = Conv (x, w)
  b = Relu (a)
  c = Conv (b, v)
  y = Add (c, a)
})";

TEST(Extract, APartRunsAsInTheWhole) {
  const Model model = text_model(chain);
  const std::vector<std::string> inputs = {"a"}, outputs = {"y"};
  const auto part = extract(model.proto, inputs, outputs);
  EXPECT_EQ(part.graph().node_size(), 3);
  EXPECT_EQ(part.graph().initializer_size(), 1);
  Model whole = model;
  whole.graph().add_output()->set_name("a");
  const auto results = run_model(whole.proto, random_inputs(model.proto));
  EXPECT_EQ(largest_difference({results[0]}, run_model(part, {results[1]})), 0);
}

TEST(Extractor, ManyPartsOfOneModelHaveItsWeightsAsTheyAreThen) {
  Model model = text_model(chain);
  const Extractor parts(model.proto);
  const std::vector<std::string> x = {"x"}, a = {"a"}, y = {"y"};
  EXPECT_EQ(parts.part(x, a).SerializeAsString(), extract(model.proto, x, a).SerializeAsString());
  put_initializer(model.graph(), make_tensor("v", {2, 2, 1, 1}, std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(parts.part(a, y).SerializeAsString(), extract(model.proto, a, y).SerializeAsString());
  EXPECT_EQ(float_values(parts.part(a, y).graph().initializer(0)), (std::vector<float>{1, 2, 3, 4}));
}

TEST(Extract, CapturedTensorsComeAlong) {
  const Model model = branch_model();
  const std::vector<std::string> inputs = {"c", "x"}, outputs = {"y"};
  const auto part = extract(model.proto, inputs, outputs);
  EXPECT_EQ(part.graph().node_size(), 2);
  EXPECT_EQ(part.graph().input(0).type().tensor_type().elem_type(), onnx::TensorProto::BOOL);
  EXPECT_EQ(part.graph().initializer_size(), 1);
}

// MaxPool makes `p`, which is given, beside `i`, which is needed.
TEST(Extract, AGivenTensorMadeBesideANeededOne) {
  const Model model = text_model(R"(g (float[1,2,4,4] x) => (float[1,2,4,4] y) {
    p, i = MaxPool <kernel_shape = [2,2], strides = [2,2]> (x)
    n = Neg (p)
    y = MaxUnpool <kernel_shape = [2,2], strides = [2,2]> (n, i)
  })");
  const std::vector<std::string> inputs = {"x", "p"}, outputs = {"y"};
  const auto part = extract(model.proto, inputs, outputs);
  Model whole = model;
  whole.graph().add_output()->set_name("p");
  const auto given = random_inputs(model.proto);
  const auto results = run_model(whole.proto, given);
  EXPECT_EQ(largest_difference({results[0]}, run_model(part, {given[0], results[1]})), 0);
}

// No operator of ONNX has an attribute of several graphs, but the format does.
TEST(Bodies, SeveralGraphsInOneAttribute) {
  Model model = branch_model();
  auto& node = *model.graph().mutable_node(model.graph().node_size() - 1);
  auto& attribute = *node.add_attribute();
  attribute.set_name("more");
  attribute.set_type(onnx::AttributeProto::GRAPHS);
  auto& body = *attribute.add_graphs();
  *body.add_node() = make_node("Neg", std::vector<std::string>{"x"}, std::vector<std::string>{"inside"});
  EXPECT_EQ(bodies(node).size(), 3U);
  EXPECT_NE(NameMaker(model.graph()).unique("inside"), "inside");
  replace_uses(model.graph(), "x", "z");
  EXPECT_EQ(body.node(0).input(0), "z");
  EXPECT_TRUE(captured_tensors(node).contains("z"));
}

TEST(Extract, WhatIsNeitherGivenNorMadeIsAnError) {
  const Model model = text_model(chain);
  const std::vector<std::string> inputs = {"b"}, outputs = {"y"};  // y also needs a, which needs x
  EXPECT_THROW(extract(model.proto, inputs, outputs), Error);
}

TEST(InsertNodes, InFrontOfTheNodesNamed) {
  Model model = text_model("g (float[2] x) => (float[2] y) { a = Neg (x)  y = Relu (a) }");
  const std::string x = "x", b = "b", c = "c";
  insert_nodes(model.graph(), {{0, {make_node("Abs", {&x, 1}, {&b, 1}), make_node("Exp", {&b, 1}, {&c, 1})}}, {1, {}}});
  EXPECT_EQ(operators(model), "Abs Exp Neg Relu");
}

}  // namespace
}  // namespace quantize::test
