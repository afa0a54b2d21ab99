#include "model/edit.h"
#include "model/graph.h"
#include "ops/op_table.h"
#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

const auto pass = sparing_nothing(fold_hard_sigmoids), sparing_kept = sparing_named(fold_hard_sigmoids);

PassResult folded(const std::string& nodes, int opset = 17) {
  return run_pass_on(
      "g (float[1,2,5,5] x) => (float y) <float[4,2,1,1] w, float[4,2,1,1] t, float[4] b, float[2,4,1,1] v, float[50,3] m, float[3] n, "
      "float[600,2,1,1] large> {" +
          nodes + "}",
      pass, opset);
}

TEST(FoldHardSigmoids, BecomesAClipBehindTheConvolution) {
  const auto result = folded("c = Conv (x, w, b)  y = HardSigmoid <alpha = 0.16666667, beta = 0.5> (c)");
  EXPECT_EQ(operators(result.after), "Conv Clip");
  EXPECT_EQ(result.detail, "1 HardSigmoid");
  const GraphIndex index(result.after.graph());
  EXPECT_EQ(clamp_bounds(result.after.graph().node(1), index), (std::pair{0.0F, 1.0F}));
}

TEST(FoldHardSigmoids, WithoutABiasItBringsOne) {
  const auto result = folded("c = Conv (x, w)  y = HardSigmoid (c)");
  EXPECT_EQ(operators(result.after), "Conv Clip");
  const auto& convolution = result.after.graph().node(0);
  ASSERT_EQ(convolution.input_size(), 3);
  EXPECT_EQ(float_values(*find_initializer(const_cast<onnx::GraphProto&>(result.after.graph()), convolution.input(2))),
            std::vector<float>(4, 0.5F));
}

TEST(FoldHardSigmoids, BehindTransposedConvolutionsAndMatrixProducts) {
  EXPECT_EQ(operators(folded("c = ConvTranspose (x, v)  y = HardSigmoid (c)").after), "ConvTranspose Clip");
  EXPECT_EQ(operators(folded("f = Flatten (x)  c = Gemm (f, m, n)  y = HardSigmoid (c)").after), "Flatten Gemm Clip");
}

TEST(FoldHardSigmoids, BothOfAPairOfGates) {
  const auto result = folded("c = Conv (x, w, b)  d = Conv (x, t, b)  e = HardSigmoid (c)  f = HardSigmoid (d)  y = Add (e, f)");
  EXPECT_EQ(operators(result.after), "Conv Conv Clip Clip Add");
  EXPECT_EQ(result.detail, "2 HardSigmoids");
}

TEST(FoldHardSigmoids, AWeightOfTwoGatesStaysOne) {
  for (const char* nodes :
       {"c = Conv (x, w, b)  r = Relu (x)  d = Conv (r, w, b)  e = HardSigmoid (c)  f = HardSigmoid (d)  y = Add (e, f)",
        "c = Conv (x, large)  r = Relu (x)  d = Conv (r, large)  e = HardSigmoid (c)  f = HardSigmoid (d)  y = Add (e, f)"}) {
    const auto result = folded(nodes);
    EXPECT_EQ(operators(result.after), "Conv Relu Conv Clip Clip Add");
    EXPECT_EQ(node_of(result.after, "c").input(1), node_of(result.after, "d").input(1));
  }
  EXPECT_EQ(folded("c = Conv (x, large)  d = Conv (x, large)  e = HardSigmoid (c)  y = Add (e, d)").detail, "")
      << "a weight of both would become two";
}

TEST(FoldHardSigmoids, NotWhereOthersSeeWhatItReads) {
  EXPECT_EQ(folded("c = Conv (x, w, b)  h = HardSigmoid (c)  y = Add (c, h)").detail, "");
  EXPECT_EQ(folded("c = Relu (x)  y = HardSigmoid (c)").detail, "");
  EXPECT_EQ(folded("c = Conv (x, w, b)  y = HardSigmoid <alpha = -0.2> (c)").detail, "") << "it falls";
  EXPECT_EQ(folded("c = Conv (x, w, b)  y = HardSigmoid (c)", 9).detail, "") << "a Clip whose bounds are attributes";
}

TEST(FoldHardSigmoids, NotThoseThatAreToStay) {
  const Model model = text_model("g (float[1,2,5,5] x) => (float y) <float[4,2,1,1] w> { c = Conv (x, w)  y = HardSigmoid (c) }");
  EXPECT_EQ(run_pass_on(with_name(model, "HardSigmoid"), sparing_kept).detail, "");
}

}  // namespace
}  // namespace quantize::test
