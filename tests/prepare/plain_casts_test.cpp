#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

TEST(PlainCasts, ATypeThatIsKnownNeedsNoTensor) {
  const auto result =
      run_pass_on("g (float[2,3] x) => (float y) <int64 zero = {0}> { z = CastLike (zero, x)  y = Add (x, z) }", plain_casts);
  EXPECT_EQ(operators(result.after), "Cast Add");
  EXPECT_EQ(result.detail, "1 CastLike");
}

// As PyTorch's exporter writes the bias that a convolution lacks.
TEST(PlainCasts, ABiasOfZerosIsAConstantThen) {
  const auto passes = [](Model& model) {
    const std::string detail = plain_casts(model);
    return detail + fold_constants(model);
  };
  const auto result = run_pass_on(
      "g (float[1,3,5,5] x) => (float y) <float[4,3,3,3] w, int64 zero = {0}, int64[1] s = {4}> { z = CastLike (zero, x)  b = Expand (z, "
      "s)  "
      "y = Conv (x, w, b) }",
      passes);
  EXPECT_EQ(operators(result.after), "Conv");
}

}  // namespace
}  // namespace quantize::test
