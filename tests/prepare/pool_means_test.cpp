#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

const auto pass = sparing_nothing(pool_means), sparing_kept = sparing_named(pool_means);

PassResult pooled(const std::string& nodes, int opset = 13) {
  return run_pass_on(
      "g (float[2,3,4,5] x) => (float y) <int64[2] last = {2,-1}, int64[2] first = {0,1}, float[6,3,1,1] w, float[3,6] m, float[2,1,1,1] "
      "s> {" +
          nodes + "}",
      pass, opset);
}

TEST(PoolMeans, OverAllBehindTheChannels) {
  const auto result = pooled("t = ReduceMean <axes = [2,3]> (x)  y = Conv (t, w)");
  EXPECT_EQ(operators(result.after), "GlobalAveragePool Conv");
  EXPECT_EQ(result.detail, "1 ReduceMean");
  EXPECT_EQ(operators(pooled("t = ReduceMean <axes = [-1,-2]> (x)  y = Conv (t, w)").after), "GlobalAveragePool Conv");
  EXPECT_EQ(operators(pooled("t = ReduceMean (x, last)  y = Conv (t, w)", 18).after), "GlobalAveragePool Conv")
      << "axes are an input there";
}

TEST(PoolMeans, WithoutTheAxesBehindThem) {
  EXPECT_EQ(operators(pooled("t = ReduceMean <axes = [2,3], keepdims = 0> (x)  y = Gemm (t, m)").after), "GlobalAveragePool Flatten Gemm");
}

TEST(PoolMeans, OfVolumesToo) {
  EXPECT_EQ(operators(run_pass_on("g (float[1,2,3,4,5] x) => (float y) <float[4,2,1,1,1] w> { t = ReduceMean <axes = [2,3,4]> (x)  "
                                  "y = Conv (t, w) }",
                                  pass)
                          .after),
            "GlobalAveragePool Conv");
}

TEST(PoolMeans, NoOtherMeans) {
  EXPECT_EQ(pooled("t = ReduceMean <axes = [1]> (x)  y = Conv (t, s)").detail, "");
  EXPECT_EQ(pooled("t = ReduceMean <axes = [2]> (x)  y = Conv (t, w)").detail, "");
  EXPECT_EQ(pooled("y = ReduceMean <axes = [2,3]> (x)").detail, "") << "an output";
  EXPECT_EQ(pooled("t = ReduceMean <axes = [2,3]> (x)  u = Sub (x, t)  y = Conv (u, w)").detail, "") << "of a normalisation";
  EXPECT_EQ(
      run_pass_on("g (float[1,3,4] x) => (float y) <float[6,3,1] w> { t = ReduceMean <axes = [2]> (x)  y = Conv (t, w) }", pass).detail, "")
      << "tokens have their features there";
  EXPECT_EQ(pooled("t = ReduceMean (x, first)  y = Conv (t, s)", 18).detail, "");
}

TEST(PoolMeans, NotOfNodesThatAreToStay) {
  const Model model =
      text_model("g (float[2,3,4,5] x) => (float y) <float[6,3,1,1] w> { t = ReduceMean <axes = [2,3]> (x)  y = Conv (t, w) }");
  EXPECT_EQ(run_pass_on(with_name(model, "ReduceMean"), sparing_kept).detail, "");
  EXPECT_EQ(run_pass_on(with_name(model, "Conv"), sparing_kept).detail, "1 ReduceMean");
}

}  // namespace
}  // namespace quantize::test
