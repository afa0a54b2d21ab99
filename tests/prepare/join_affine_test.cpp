#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

// "var": values between 0.5 and 1.5, to divide by.
Model model_of(const std::string& nodes, const std::string& outputs = "float y") {
  return text_model("g (float[1,3,6,6] x) => (" + outputs +
                    ") <float all = {255}, float[1] one = {0.7}, float two = {2}, float zero = {0}, float[3,1,1] mean, "
                    "float[1,3,1,1] var, float[6] row, float[6,1] column, float[1,1,3,1,1] five> {" +
                    nodes + "}");
}

PassResult joined(const std::string& nodes, const std::string& outputs = "float y") {
  return run_pass_on(model_of(nodes, outputs), sparing_nothing(join_affine));
}

Shape constant_shape(const Model& model, const std::string& output) {
  return shape_of(initializer_of(model, node_of(model, output).input(1)));
}

constexpr const char* normalises = "t = Div (x, all)  u = Sub (t, mean)  y = Div (u, var)";

TEST(JoinAffine, MakesOneFactorAndOneSummand) {
  for (const char* nodes : {normalises, "t = Sub (one, x)  u = Mul (var, t)  y = Sub (u, mean)",
                            "t = Mul (x, var)  u = Add (mean, t)  v = Mul (u, two)  y = Sub (one, v)"}) {
    const auto result = joined(nodes);
    EXPECT_EQ(operators(result.after), "Mul Add") << nodes;
    EXPECT_EQ(result.detail, "1 run");
  }
}

TEST(JoinAffine, ConstantsHaveOneValuePerChannelOnlyWhereTheyDiffer) {
  const auto per_channel = joined("t = Div (x, all)  u = Sub (t, mean)  y = Mul (u, two)").after;
  EXPECT_EQ(constant_shape(per_channel, "y"), (Shape{3, 1, 1}));
  EXPECT_EQ(constant_shape(per_channel, node_of(per_channel, "y").input(0)), Shape{}) << "255 and 2 are single values";
  const auto single = joined("t = Div (x, all)  u = Sub (t, one)  y = Mul (u, two)").after;
  EXPECT_EQ(constant_shape(single, "y"), Shape{});
}

TEST(JoinAffine, KnowsChannelsThatComeLast) {
  const auto result = run_pass_on(
      "g (float[1,6,6,3] x) => (float y) <float all = {255}, float[3] mean, float[1,1,3] var> {" + std::string(normalises) + "}",
      sparing_nothing(join_affine));
  EXPECT_EQ(operators(result.after), "Mul Add");
  EXPECT_EQ(constant_shape(result.after, "y"), Shape{3});
}

TEST(JoinAffine, LeavesOutWhatDoesNothing) {
  EXPECT_EQ(operators(joined("t = Mul (x, mean)  u = Div (t, var)  y = Mul (one, u)").after), "Mul");
  EXPECT_EQ(operators(joined("t = Add (x, mean)  u = Mul (t, two)  y = Div (u, two)").after), "Add");
  EXPECT_EQ(operators(joined("t = Mul (x, two)  u = Div (t, two)  y = Relu (u)").after), "Relu");
  EXPECT_EQ(joined("t = Mul (x, two)  y = Div (t, two)").detail, "") << "x and y are names of the model's interface";
}

// The first two, which go, have other axes than the next two.
TEST(JoinAffine, RunsThatFollowEachOther) {
  const auto result = joined("t = Mul (x, var)  u = Div (t, var)  v = Mul (u, row)  w = Mul (v, row)  y = Relu (w)");
  EXPECT_EQ(operators(result.after), "Mul Relu");
  EXPECT_EQ(result.detail, "2 runs");
}

TEST(JoinAffine, TheLastOperatorKeepsItsName) {
  Model model = model_of(normalises);
  model.graph().mutable_node(2)->set_name("norm");
  const auto result = run_pass_on(model, sparing_nothing(join_affine));
  EXPECT_EQ(result.after.graph().node(0).name(), "norm_scale");
  EXPECT_EQ(result.after.graph().node(1).name(), "norm");
}

TEST(JoinAffine, KeepsWhatIsNoRun) {
  for (const char* nodes : {"t = Sub (x, mean)  y = Div (t, var)",                  // no fewer
                            "t = Div (x, all)  u = Sub (t, mean)  y = Add (u, t)",  // another reader
                            "t = Mul (x, row)  y = Mul (t, column)",                // each along an axis of its own
                            "t = Div (all, x)  y = Div (t, all)",                   // no map of that kind
                            "t = Mul (x, five)  y = Mul (t, five)",                 // the first adds an axis
                            "t = Add (x, x)  y = Mul (t, two)"})
    EXPECT_EQ(joined(nodes).detail, "") << nodes;
  EXPECT_EQ(joined("t = Mul (x, two)  y = Mul (t, one)", "float y, float t").detail, "") << "t is read from outside";
  Model infinite = model_of("t = Div (x, zero)  u = Mul (t, two)  y = Add (u, two)");
  EXPECT_EQ(join_affine(infinite), "");
}

TEST(JoinAffine, KeepsWhatWidensTheTensor) {
  EXPECT_EQ(run_pass_on("g (float[1,1,6,6] x) => (float y) <float[3,1,1] mean, float[3,1,1] var> { t = Mul (x, mean)  y = Div (t, var) }",
                        sparing_nothing(join_affine))
                .detail,
            "");
}

TEST(JoinAffine, KeepsIntegers) {
  EXPECT_EQ(
      run_pass_on("g (int64[2] x) => (int64[2] y) <int64 two = {2}> { t = Mul (x, two)  y = Mul (t, two) }", sparing_nothing(join_affine))
          .detail,
      "");
}

TEST(JoinAffine, SparesWhatIsToStay) {
  EXPECT_EQ(run_pass_on(with_name(model_of(normalises), "Sub"), sparing_named(join_affine)).detail, "");
  const auto result =
      run_pass_on(with_name(model_of("t = Div (x, all)  u = Mul (t, two)  y = Sub (u, mean)"), "Sub"), sparing_named(join_affine));
  EXPECT_EQ(operators(result.after), "Mul Sub");
}

// In the order of the preparation.
TEST(JoinAffine, AConvolutionTakesWhatIsLeft) {
  const auto result = run_pass_on(
      "g (float[1,3,6,6] x) => (float y) <float[4,3,3,3] w, float[4,1,1] b, float[4,1,1] var, float two = {2}> {"
      " t = Conv (x, w)  u = Mul (t, var)  v = Add (u, b)  s = Div (v, var)  z = Sub (two, s)  y = Relu (z) }",
      [](Model& model) {
        std::string detail = join_affine(model);
        detail += fold_scales(model);
        return detail += fuse_bias_add(model);
      });
  EXPECT_EQ(operators(result.after), "Conv Relu");
}

TEST(JoinAffine, TheEndOfANetworkStaysFloat) { EXPECT_EQ(joined("r = Relu (x)  t = Div (r, two)  y = Div (t, all)").detail, ""); }

}  // namespace
}  // namespace quantize::test
