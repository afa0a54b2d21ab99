// What ONNX Runtime makes of matrix products and of the Softmax between them.
#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "rewrite/rewrite.h"
#include "run/optimized_graph.h"

namespace quantize::test {
namespace {

Model optimized_text(std::string_view text, const Scheme& scheme = scheme_named("w8a8")) {
  const auto plan = plan_graph(text_model_for(scheme, text), scheme);
  Model optimized;
  optimized.proto = optimized_graph(rewrite(plan.prepared, plan.placement, plan.encodings).proto);
  return optimized;
}

// Of such a product ONNX Runtime would make one of activations rounded to 8 bits.
TEST(ProductKernels, ProductsOf16BitActivationsKeepThem) {
  for (const char* scheme : {"w8a16", "w4a16"}) {
    const Model optimized = optimized_text(R"(g (float[4,64] x) => (float[4,3] y) <float[64,32] w, float[32] b, float[32,3] v> {
      a = Gemm (x, w, b)
      r = Relu (a)
      y = MatMul (r, v)
    })",
                                           scheme_named(scheme));
    EXPECT_EQ(count_nodes(optimized, "MatMulNBits"), 0) << scheme << ": " << operators(optimized);
  }
}

// Whichever reader comes first.
TEST(ProductKernels, AWeightThatAMatMulAndAGemmReadGivesBothIntegerKernels) {
  for (const char* nodes : {"a = MatMul (x, w)  r = Relu (a)  c = Gemm (r, w, b)", "a = Gemm (x, w, b)  r = Relu (a)  c = MatMul (r, w)"}) {
    const Model optimized =
        optimized_text(std::string("g (float[8,64] x) => (float[8,4] y) <float[64,64] w, float[64] b, float[64,4] v> { ") + nodes +
                       "  d = Relu (c)  y = MatMul (d, v) }");
    EXPECT_EQ(count_nodes(optimized, "QGemm"), 1) << operators(optimized);
    EXPECT_EQ(count_nodes(optimized, "Gemm") + count_nodes(optimized, "MatMul"), 0) << operators(optimized);
  }
}

// On integers it takes many times as long, and its scores would be rounded for nothing.
TEST(ProductKernels, TheSoftmaxOfAnAttentionRunsInFloatOnProductsOfIntegers) {
  const Model optimized = optimized_text(R"(g (float[1,8,4,4] x) => (float[1,4,4,4] y)
      <float[24,8,1,1] w, float[4,8,1,1] u, int64[3] s = {3,8,16}, int64[4] so = {1,8,4,4}, int64[3] parts = {1,1,1}, float scale = {0.3},
       int64[2] flat = {16,16}, int64[3] back = {1,16,16}> {
    a = Conv (x, w)
    r = Reshape (a, s)
    q, k, v = Split (r, parts)
    t = Transpose <perm = [0,2,1]> (q)
    l = MatMul (t, k)
    m = Mul (l, scale)
    f = Reshape (m, flat)
    g = Reshape (f, back)
    p = Softmax <axis = -1> (g)
    o = MatMul (v, p)
    i = Reshape (o, so)
    y = Conv (i, u)
  })");
  EXPECT_EQ(count_nodes(optimized, "QLinearSoftmax"), 0) << operators(optimized);
  EXPECT_EQ(count_nodes(optimized, "Softmax"), 1) << operators(optimized);
  EXPECT_EQ(count_nodes(optimized, "MatMulIntegerToFloat"), 1) << operators(optimized);
  EXPECT_EQ(count_nodes(optimized, "QLinearMatMul"), 1) << operators(optimized);
}

}  // namespace
}  // namespace quantize::test
