#include "prepare/inline_ifs.h"
#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

const auto inline_all = [](Model& model) { return counted(inline_ifs(model), "If", "Ifs"); };

const std::string branches = R"(<
    then_branch = t () => (float[2] p) { one = Constant <value = float {1}> ()  a = Add (x, one)  p = Relu (a) },
    else_branch = e () => (float[2] q) { a = Neg (x)  q = Abs (a) }>)";

std::string graph_with(const std::string& condition) {
  std::string graph = "g (float[2] x) => (float[2] y) <bool c = {";
  return graph.append(condition).append("}> { y = If (c) ").append(branches).append(" }");
}

TEST(InlineIfs, TakesTheBranchThatIsTaken) {
  EXPECT_EQ(operators(run_pass_on(graph_with("1"), inline_all).after), "Add Relu Identity");
  EXPECT_EQ(operators(run_pass_on(graph_with("0"), inline_all).after), "Neg Abs Identity");
}

TEST(InlineIfs, KeepsIfWithComputedCondition) {
  EXPECT_EQ(
      run_pass_on(std::string("g (bool c, float[2] x) => (float[2] y) { y = If (c) ").append(branches).append(" }"), inline_all).detail,
      "");
}

TEST(InlineIfs, SameNamesInTwoIfs) {
  std::string graph = "g (float[2] x) => (float[2] y, float[2] z) <bool c = {1}> { y = If (c) ";
  graph.append(branches).append("  z = If (c) ").append(branches).append(" }");
  const auto result = run_pass_on(graph, inline_all);
  EXPECT_EQ(result.detail, "2 Ifs");
}

// ONNX Runtime, which runs the result, refuses a graph in which two nodes share a name.
TEST(InlineIfs, SameNodeNamesInTwoIfsAndOutside) {
  const std::string named = R"(<
    then_branch = t () => (float[2] p) { [neg] a = Neg (x)  [relu] p = Relu (a) },
    else_branch = e () => (float[2] q) { [abs] q = Abs (x) }>)";
  std::string graph = "g (float[2] x) => (float[2] y, float[2] z, float[2] w) <bool c = {1}> { y = If (c) ";
  graph.append(named).append("  z = If (c) ").append(named).append("  [relu] w = Abs (x) }");
  const Model after = run_pass_on(graph, inline_all).after;
  std::vector<std::string> names;
  for (const auto& node : after.graph().node()) {
    if (node.op_type() != "Identity") names.push_back(node.name());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"neg", "relu_1", "neg_1", "relu_2", "relu"}));
}

TEST(InlineIfs, ResultMadeOutsideTheBranch) {
  const auto result = run_pass_on(R"(g (float[2] x) => (float[2] y) <bool c = {1}> {
    r = Relu (x)
    y = If (c) < then_branch = t () => (float[2] p) { p = Identity (r) }, else_branch = e () => (float[2] q) { q = Neg (r) }>
  })",
                                  inline_all);
  EXPECT_EQ(operators(result.after), "Relu Identity Identity");
}

TEST(InlineIfs, IfInsideABranch) {
  const auto result = run_pass_on(R"(g (bool d, float[2] x) => (float[2] y) <bool c = {1}> {
    y = If (c) <
      then_branch = t () => (float[2] p) {
        a = Neg (x)
        s = If (c) < then_branch = t2 () => (float[2] p2) { p2 = Relu (a) }, else_branch = e2 () => (float[2] q2) { q2 = Abs (a) }>
        p = If (d) < then_branch = t3 () => (float[2] p3) { p3 = Relu (s) }, else_branch = e3 () => (float[2] q3) { q3 = Abs (a) }>
      },
      else_branch = e () => (float[2] q) { q = Identity (x) }>
  })",
                                  inline_all);
  EXPECT_EQ(result.detail, "2 Ifs");
  EXPECT_EQ(operators(result.after), "Neg Relu Identity If Identity");
}

}  // namespace
}  // namespace quantize::test
