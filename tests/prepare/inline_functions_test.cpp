#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

TEST(InlineFunctions, WhereNothingIsRaised) {
  const auto result =
      run_pass_on(R"(<ir_version: 8, opset_import: ["" : 14, "local" : 1]> g (float[2,3] x) => (float[2,3] y) { y = local.Twice (x) }
  <domain: "local", opset_import: ["" : 14]> Twice (a) => (b) { c = Constant <value = float {2.0}> ()  b = Mul (a, c) })",
                  inline_functions);
  EXPECT_EQ(operators(result.after), "Mul");
  EXPECT_EQ(result.detail, "1 function");
}

TEST(InlineFunctions, OfAnotherOpset) {
  const auto result =
      run_pass_on(R"(<ir_version: 8, opset_import: ["" : 18, "local" : 1]> g (float[2,3] x) => (float[2,3] y) { y = local.Twice (x) }
  <domain: "local", opset_import: ["" : 17]> Twice (a) => (b) { b = Add (a, a) })",
                  inline_functions);
  EXPECT_EQ(operators(result.after), "Add");
}

// Of another version of the operator, called with what no input of the graph is.
TEST(InlineFunctions, OfAnOpsetWhoseOperatorsDiffer) {
  const auto result = run_pass_on(R"(<ir_version: 8, opset_import: ["" : 17, "local" : 1]> g (float[2,3] x) => (float[2,3] y) {
    s = local.Twice (x)
    t = Relu (s)
    y = local.Twice (t)
  }
  <domain: "local", opset_import: ["" : 13]> Twice (a) => (b) { b = Add (a, a) })",
                                  inline_functions);
  EXPECT_EQ(operators(result.after), "Add Relu Add");
}

// Only the function imports the domain of what it holds.
TEST(InlineFunctions, WithTheDomainsOfTheirOperators) {
  const auto result =
      run_pass_on(R"(<ir_version: 8, opset_import: ["" : 17, "local" : 1]> g (float[2,3] x) => (float[2,3] y) { y = local.Curve (x) }
  <domain: "local", opset_import: ["" : 17, "com.microsoft" : 1]> Curve (a) => (b) { b = com.microsoft.Gelu (a) })",
                  inline_functions);
  EXPECT_EQ(operators(result.after), "Gelu");
}

}  // namespace
}  // namespace quantize::test
