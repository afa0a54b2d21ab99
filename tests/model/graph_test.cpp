#include "model/graph.h"

#include <gtest/gtest.h>

#include "support/text_model.h"

namespace quantize::test {
namespace {

constexpr const char* branches = R"(g (bool c, float[2] x) => (float[2] y) <float[2] w> {
  t = Relu (x)
  u = Neg (x)
  y = If (c) <then_branch = a () => (float[2] p) { h = Add (t, w)  p = Relu (h) }, else_branch = b () => (float[2] u) {}>
})";

Model branch_model() {
  Model model = text_model(R"(g (bool c, float[2] x) => (float[2] y) <float[2] w> {
    t = Relu (x)
    u = Neg (x)
    y = If (c) <then_branch = a () => (float[2] p) { h = Add (t, w)  p = Relu (h) }, else_branch = b () => (float[2] q) { q = Identity (u) }>
  })");
  return model;
}

TEST(CapturedTensors, WhatASubgraphReadsFromOutside) {
  const Model model = branch_model();
  EXPECT_EQ(captured_tensors(model.graph().node(2)), (std::set<std::string>{"t", "u", "w"}));
  EXPECT_TRUE(captured_tensors(model.graph().node(0)).empty());
}

TEST(CapturedTensors, ABranchThatIsAnOuterTensorItself) {
  EXPECT_EQ(captured_tensors(text_model(branches).graph().node(2)), (std::set<std::string>{"t", "u", "w"}));
}

TEST(CapturedTensors, NestedSubgraphs) {
  const Model model = text_model(R"(g (bool c, float[2] x) => (float[2] y) {
    y = If (c) <then_branch = a () => (float[2] p) {
        i = Neg (x)
        p = If (c) <then_branch = d () => (float[2] r) { r = Relu (i) }, else_branch = e () => (float[2] s) { s = Abs (x) }>
      }, else_branch = b () => (float[2] q) { q = Identity (x) }>
  })");
  EXPECT_EQ(captured_tensors(model.graph().node(0)), (std::set<std::string>{"c", "x"}));  // not i, which is the branch's own
}

TEST(GraphIndex, ProducersAndUses) {
  const Model model = branch_model();
  const GraphIndex index(model.graph());
  EXPECT_EQ(index.producer_number("u"), 1);
  EXPECT_EQ(index.producer("x"), nullptr);
  EXPECT_EQ(index.producer_number("nothing"), -1);
  ASSERT_EQ(index.uses("x").size(), 2U);
  EXPECT_EQ(index.uses("x")[1].node, 1);
  ASSERT_EQ(index.uses("t").size(), 1U);
  EXPECT_EQ(index.uses("t")[0].node, 2);
  EXPECT_EQ(index.uses("t")[0].input, -1);  // from inside the branch
  EXPECT_TRUE(index.uses("y").empty());
}

TEST(GraphIndex, InputsOutputsAndConstants) {
  Model model = text_model(
      "g (float[2] x, float[2] w) => (float[2] y) <float[2] w> { c = Constant <value = float[2] {1, 2}> ()  t = Add (x, w)  y = Mul (t, c) "
      "}");
  const GraphIndex index(model.graph());
  EXPECT_TRUE(index.is_graph_input("x"));
  EXPECT_FALSE(index.is_graph_input("w"));  // an initializer with an entry among the inputs need not be fed
  EXPECT_EQ(fed_inputs(model.graph()).size(), 1U);
  EXPECT_TRUE(index.is_graph_output("y"));
  EXPECT_FALSE(index.is_graph_output("t"));
  EXPECT_NE(index.initializer("w"), nullptr);
  EXPECT_EQ(index.initializer("c"), nullptr);
  EXPECT_NE(index.constant("c"), nullptr);
  EXPECT_EQ(index.constant("t"), nullptr);
}

TEST(Describe, NodesWithAndWithoutName) {
  Model model = text_model("g (float[2] x) => (float[2] y) { y = Relu (x) }");
  auto& node = *model.graph().mutable_node(0);
  EXPECT_EQ(describe(node), "Relu (output 'y')");
  node.set_name("act");
  EXPECT_EQ(describe(node), "Relu 'act'");
}

}  // namespace
}  // namespace quantize::test
