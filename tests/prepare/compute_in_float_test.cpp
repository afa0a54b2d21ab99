#include <limits>

#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

constexpr double half_tolerance = 5e-3;  // halves carry 11 bits

class ComputeInFloat : public testing::TestWithParam<GraphCase> {};

TEST_P(ComputeInFloat, SameFunctionInThisForm) {
  const auto result = run_pass_on(GetParam().graph, compute_in_float, GetParam().opset, half_tolerance);
  EXPECT_EQ(operators(result.after), GetParam().operators_after);
  for (int i = 0; i < result.before.graph().output_size(); ++i) {
    EXPECT_EQ(serialize(result.after.graph().output(i)), serialize(result.before.graph().output(i)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Widened, ComputeInFloat,
    testing::Values(
        GraphCase{"Half", "g (float16[1,3,5,5] x) => (float16[1,4,3,3] y) <float16[4,3,3,3] w, float16[4] b> { y = Conv (x, w, b) }",
                  "Cast Conv Cast"},
        GraphCase{"Double", "g (double[2,3] x) => (double[2,4] y) <double[3,4] w> { y = Gemm (x, w) }", "Cast Gemm Cast"},
        GraphCase{
            "TwoReadersAndTwoOutputs",
            "g (float16[2,4] x) => (float16[2,4] a, float16[2,4] y) <float16[4,4] w> { a = MatMul (x, w)  t = Add (a, x)  y = MatMul (t, "
            "w) }",
            "Cast MatMul Add MatMul Cast Cast"},
        GraphCase{"AnInputThatIsAnOutput", "g (float16[2,4] x) => (float16[2,4] x, float16[2,4] y) <float16[4,4] w> { y = MatMul (x, w) }",
                  "Cast MatMul Cast"},
        GraphCase{"AWeightThatIsAnOutput", "g (float16[2,4] x) => (float16[4,4] w, float16[2,4] y) <float16[4,4] w> { y = MatMul (x, w) }",
                  "Cast MatMul Cast Cast"},
        GraphCase{
            "CastInside",
            "g (float[2,4] x) => (float[2,4] y) <float16[4,4] w> { h = Cast <to = 10> (x)  t = MatMul (h, w)  y = Cast <to = 1> (t) }",
            "Cast MatMul Cast"},
        GraphCase{
            "ConstantOfShape",
            "g (double[2,4] x) => (double[2,4] y) <double[4,4] w> { s = Shape (x)  k = ConstantOfShape <value = double[1] {0.5}> (s)  "
            "t = Add (x, k)  y = MatMul (t, w) }",
            "Cast Shape ConstantOfShape Add MatMul Cast"},
        GraphCase{"InABody",
                  "g (double[2,4] x, bool c) => (double[2,4] y) <double[4,4] w> { t = MatMul (x, w)  y = If (c) <then_branch = a () => "
                  "(double[2,4] p) { k = Constant <value = double {2.0}> ()  p = Mul (t, k) }, else_branch = b () => (double[2,4] q) { q = "
                  "Identity (x) }> }",
                  "Cast MatMul If Cast"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Kept, ComputeInFloat,
    testing::Values(GraphCase{"Float", "g (float[2,3] x) => (float[2,4] y) <float[3,4] w> { y = MatMul (x, w) }", "MatMul"},
                    GraphCase{"DoubleWithoutWeights", "g (double[2,3] x) => (double[2,3] y) <double[3] k> { y = Add (x, k) }", "Add"}),
    case_name);

TEST(ComputeInFloatRange, AValueThatFloatCannotHoldIsNotConverted) {
  Model model = text_model("g (double[2,2] x) => (double[2,2] y) <double[2,2] w = {1e300, 0, 0, 1}> { y = MatMul (x, w) }");
  EXPECT_ANY_THROW(compute_in_float(model));
}

TEST(ComputeInFloatRange, InfinityIsAFloat) {
  Model model = text_model(R"(g (double[2,2] x) => (double[2,2] y) <double[2,2] w, bool[2,2] mask = {1, 0, 1, 1}, double low = {0}> {
    h = MatMul (x, w)
    m = Where (mask, h, low)
    y = Softmax <axis = -1> (m)
  })");
  Tensor low = Tensor::zeros(onnx::TensorProto::DOUBLE, {});
  low.as<double>()[0] = -std::numeric_limits<double>::infinity();
  put_initializer(model.graph(), to_proto("low", low));
  const auto result = run_pass_on(model, compute_in_float, half_tolerance);
  EXPECT_EQ(float_values(initializer_of(result.after, "low")), std::vector<float>{-std::numeric_limits<float>::infinity()});
}

}  // namespace
}  // namespace quantize::test
