#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

const auto pass = sparing_nothing(fuse_gelu), sparing_kept = sparing_named(fuse_gelu);

std::string graph_of(const std::string& nodes) {
  return "g (float[1,2,3,3] x) => (float[1,2,3,3] y) <float root = {1.41421356}, float half_root = {1.4140625}, float rootless = "
         "{0.70710678}, float one = {1}, "
         "float two = {2}, float[1] half = {0.5}> {" +
         nodes + "}";
}

class Gelu : public testing::TestWithParam<GraphCase> {};

INSTANTIATE_TEST_SUITE_P(
    FuseGelu, Gelu,
    testing::Values(
        GraphCase{"halved_last", "d = Div (x, root)  e = Erf (d)  a = Add (e, one)  m = Mul (x, a)  y = Mul (m, half)", "Gelu"},
        GraphCase{"sum_halved", "d = Mul (rootless, x)  e = Erf (d)  a = Add (one, e)  m = Mul (a, half)  y = Mul (m, x)", "Gelu"},
        GraphCase{"input_halved", "d = Div (x, root)  e = Erf (d)  a = Add (e, one)  h = Mul (half, x)  y = Mul (h, a)", "Gelu"},
        GraphCase{"divided_by_two", "d = Div (x, root)  e = Erf (d)  a = Add (e, one)  m = Mul (a, x)  y = Div (m, two)", "Gelu"},
        GraphCase{"opset_13", "d = Div (x, root)  e = Erf (d)  a = Add (e, one)  m = Mul (x, a)  y = Mul (m, half)", "Gelu", 13},
        GraphCase{"not_halved", "d = Div (x, root)  e = Erf (d)  a = Add (e, one)  y = Mul (x, a)", "Div Erf Add Mul"},
        GraphCase{"another_scale", "d = Div (x, two)  e = Erf (d)  a = Add (e, one)  m = Mul (x, a)  y = Mul (m, half)",
                  "Div Erf Add Mul Mul"},
        GraphCase{"another_sum", "d = Div (x, root)  e = Erf (d)  a = Add (e, two)  m = Mul (x, a)  y = Mul (m, half)",
                  "Div Erf Add Mul Mul"},
        GraphCase{"of_another", "r = Relu (x)  d = Div (x, root)  e = Erf (d)  a = Add (e, one)  m = Mul (r, a)  y = Mul (m, half)",
                  "Relu Div Erf Add Mul Mul"},
        GraphCase{"halved_twice", "d = Div (x, root)  e = Erf (d)  a = Add (e, one)  b = Mul (a, half)  h = Mul (x, half)  y = Mul (h, b)",
                  "Div Erf Add Mul Mul Mul"},
        GraphCase{"read_between", "d = Div (x, root)  e = Erf (d)  a = Add (e, one)  m = Mul (x, a)  n = Mul (m, half)  y = Add (n, a)",
                  "Div Erf Add Mul Mul Add"}),
    case_name);

TEST_P(Gelu, IsOneOperator) {
  const auto result = run_pass_on(graph_of(GetParam().graph), pass, GetParam().opset);
  EXPECT_EQ(operators(result.after), GetParam().operators_after);
  EXPECT_EQ(result.detail.substr(0, 6), operators(result.after) == operators(result.before) ? "" : "1 Gelu");
  EXPECT_EQ(opset_of(result.after.proto), result.detail.empty() ? GetParam().opset : 20);
}

TEST(FuseGelu, WithConstantsThatWereInHalfPrecision) {
  const auto result =
      run_pass_on(graph_of("d = Div (x, half_root)  e = Erf (d)  a = Add (e, one)  m = Mul (x, a)  y = Mul (m, half)"), pass, 17, 1e-3);
  EXPECT_EQ(operators(result.after), "Gelu");
}

TEST(FuseGelu, NotOfNodesThatAreToStay) {
  const std::string written = graph_of("d = Div (x, root)  e = Erf (d)  a = Add (e, one)  m = Mul (x, a)  y = Mul (m, half)");
  for (const char* type : {"Div", "Erf", "Add", "Mul"}) {
    EXPECT_EQ(run_pass_on(with_name(text_model(written), type), sparing_kept).detail, "") << type;
  }
}

TEST(FuseGelu, NotWithAnAddOfAnotherDomain) {
  Model model = text_model(graph_of("d = Div (x, root)  e = Erf (d)  a = Add (e, one)  m = Mul (x, a)  y = Mul (m, half)"));
  model.graph().mutable_node(2)->set_domain("my");
  EXPECT_EQ(pass(model), "");
}

TEST(FuseGelu, SaysThatItRaisesTheOpset) {
  const auto result = run_pass_on(graph_of("d = Div (x, root)  e = Erf (d)  a = Add (e, one)  m = Mul (x, a)  y = Mul (m, half)"), pass);
  EXPECT_NE(result.detail.find("opset 17 to 20"), std::string::npos) << result.detail;
}

}  // namespace
}  // namespace quantize::test
