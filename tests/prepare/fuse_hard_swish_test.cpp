#include "model/attribute.h"
#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

const auto pass = sparing_nothing(fuse_hard_swish), sparing_kept = sparing_named(fuse_hard_swish);

std::string graph_of(const std::string& nodes) {
  return "g (float[1,2,3,3] x) => (float[1,2,3,3] y) <float three = {3}, float zero = {0}, float six = {6}, float sixth = {0.16666667}, "
         "float five = {5}, float[1] small = {0.16666667}> {" +
         nodes + "}";
}

class WrittenOut : public testing::TestWithParam<GraphCase> {};

INSTANTIATE_TEST_SUITE_P(
    HardSwish, WrittenOut,
    testing::Values(
        GraphCase{"divided_last", "a = Add (x, three)  c = Clip (a, zero, six)  m = Mul (x, c)  y = Div (m, six)", "HardSwish"},
        GraphCase{"multiplied_last", "a = Add (three, x)  c = Clip (a, zero, six)  m = Mul (c, x)  y = Mul (small, m)", "HardSwish"},
        GraphCase{"divided_before", "a = Add (x, three)  c = Clip (a, zero, six)  d = Div (c, six)  y = Mul (x, d)", "HardSwish"},
        GraphCase{"multiplied_before", "a = Add (x, three)  c = Clip (a, zero, six)  d = Mul (c, sixth)  y = Mul (d, x)", "HardSwish"},
        GraphCase{"another_bound", "a = Add (x, three)  c = Clip (a, zero, five)  m = Mul (x, c)  y = Div (m, six)", "Add Clip Mul Div"},
        GraphCase{"another_shift", "a = Add (x, five)  c = Clip (a, zero, six)  m = Mul (x, c)  y = Div (m, six)", "Add Clip Mul Div"},
        GraphCase{"another_factor", "a = Add (x, three)  c = Clip (a, zero, six)  m = Mul (x, c)  y = Div (m, five)", "Add Clip Mul Div"},
        GraphCase{"never_divided", "a = Add (x, three)  c = Clip (a, zero, six)  y = Mul (x, c)", "Add Clip Mul"},
        GraphCase{"divisor_divided", "a = Add (x, three)  c = Clip (a, zero, six)  m = Mul (x, c)  y = Div (six, m)", "Add Clip Mul Div"},
        GraphCase{"gate_of_another", "r = Relu (x)  a = Add (x, three)  c = Clip (a, zero, six)  m = Mul (r, c)  y = Div (m, six)",
                  "Relu Add Clip Mul Div"},
        GraphCase{"read_between", "a = Add (x, three)  c = Clip (a, zero, six)  m = Mul (x, c)  d = Div (m, six)  y = Add (d, c)",
                  "Add Clip Mul Div Add"}),
    case_name);

TEST_P(WrittenOut, IsOneOperator) {
  const auto result = run_pass_on(graph_of(GetParam().graph), pass);
  EXPECT_EQ(operators(result.after), GetParam().operators_after);
  EXPECT_EQ(result.detail.substr(0, 11), operators(result.after) == operators(result.before) ? "" : "1 HardSwish");
}

constexpr const char* gated =
    "g (float[1,2,3,3] x) => (float[1,2,3,3] y) { h = HardSigmoid <alpha = 0.16666667, beta = 0.5> (x)  y = Mul (x, h) }";

TEST(FuseHardSwish, AHardSigmoidOfItsOwnInputIsItsGate) {
  EXPECT_EQ(operators(run_pass_on(gated, pass).after), "HardSwish");
  EXPECT_EQ(run_pass_on("g (float[1,2,3,3] x) => (float[1,2,3,3] y) { h = HardSigmoid (x)  y = Mul (x, h) }", pass).detail, "");
}

TEST(FuseHardSwish, RaisesAnOpsetThatDoesNotKnowIt) {
  const auto result = run_pass_on(gated, pass, 13);
  EXPECT_EQ(operators(result.after), "HardSwish");
  EXPECT_EQ(opset_of(result.after.proto), 14);
}

TEST(FuseHardSwish, NotOfNodesThatAreToStay) {
  const Model written = text_model(graph_of("a = Add (x, three)  c = Clip (a, zero, six)  m = Mul (x, c)  y = Div (m, six)"));
  for (const char* type : {"Add", "Clip", "Mul", "Div"}) EXPECT_EQ(run_pass_on(with_name(written, type), sparing_kept).detail, "") << type;
  EXPECT_EQ(run_pass_on(with_name(text_model(gated), "HardSigmoid"), sparing_kept).detail, "");
}

}  // namespace
}  // namespace quantize::test
