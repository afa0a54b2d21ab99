#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

TEST(ForkSharedWeights, ByChannelAxis) {
  const auto result = run_pass_on(R"(g (float[1,4,5,5] x) => (float[1,4,5,5] y) <float[4,4,3,3] w> {
    a = Conv <pads = [1,1,1,1]> (x, w)
    b = ConvTranspose <pads = [1,1,1,1]> (a, w)
    y = Conv <pads = [1,1,1,1]> (b, w)
  })",
                                  fork_shared_weights);
  EXPECT_EQ(result.detail, "1 weight");
  EXPECT_EQ(node_of(result.after, "a").input(1), "w");
  EXPECT_EQ(node_of(result.after, "b").input(1), "w_axis1");
  EXPECT_EQ(node_of(result.after, "y").input(1), "w");
  EXPECT_EQ(initializer_of(result.after, "w_axis1").raw_data(), initializer_of(result.after, "w").raw_data());
}

TEST(ForkSharedWeights, TransposedGemms) {
  const auto result =
      run_pass_on("g (float[2,4] x) => (float[2,4] y) <float[4,4] w> { a = Gemm (x, w)  b = Gemm <transB = 1> (a, w)  y = MatMul (b, w) }",
                  fork_shared_weights);
  EXPECT_NE(node_of(result.after, "a").input(1), node_of(result.after, "b").input(1));
  EXPECT_EQ(node_of(result.after, "y").input(1), node_of(result.after, "a").input(1));
}

TEST(ForkSharedWeights, SameAxisStaysShared) {
  const auto result = run_pass_on("g (float[1,4,5,5] x) => (float[1,4,5,5] y) <float[4,4,1,1] w> { a = Conv (x, w)  y = Conv (a, w) }",
                                  fork_shared_weights);
  EXPECT_EQ(result.detail, "");
}

}  // namespace
}  // namespace quantize::test
