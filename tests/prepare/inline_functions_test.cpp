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

}  // namespace
}  // namespace quantize::test
