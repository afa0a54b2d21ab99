#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

const auto pass = sparing_nothing(token_gemms), sparing_kept = sparing_named(token_gemms);

PassResult rewritten(const std::string& nodes) {
  return run_pass_on(
      "g (float[2,5,3] x, float[2,5,4] r) => (float y) <float[3,4] w, float[4,4] v, float[4] b, float[1,1,4] c, float[4] g, float h = "
      "{0.5}, float[2,1,4] rows, float[5,4] columns> {" +
          nodes + "}",
      pass, 20);
}

TEST(TokenGemms, TheSumBehindAProductIsItsBias) {
  const auto result = rewritten("t = MatMul (x, w)  y = Add (t, b)");
  EXPECT_EQ(operators(result.after), "Reshape Gemm Reshape");
  EXPECT_EQ(result.detail, "1 Gemm");
  EXPECT_EQ(operators(rewritten("t = MatMul (x, w)  y = Add (b, t)").after), "Reshape Gemm Reshape");
  EXPECT_EQ(operators(rewritten("t = MatMul (x, w)  y = Add (t, c)").after), "Reshape Gemm Reshape") << "a bias of three dimensions";
}

TEST(TokenGemms, AListIsNotReshaped) {
  EXPECT_EQ(
      operators(run_pass_on("g (float[5,3] x) => (float y) <float[3,4] w, float[4] b> { t = MatMul (x, w)  y = Add (t, b) }", pass).after),
      "Gemm");
}

TEST(TokenGemms, ProductsOfOneTensorReadOneList) {
  EXPECT_EQ(operators(rewritten("s = MatMul (x, w)  t = Add (s, b)  u = MatMul (x, w)  v1 = Add (u, g)  y = Mul (t, v1)").after),
            "Reshape Gemm Reshape Gemm Reshape Mul");
}

TEST(TokenGemms, WhatTakesSingleValuesStaysBesideTheGemm) {
  EXPECT_EQ(operators(rewritten("s = MatMul (x, w)  t = Add (s, b)  u = Relu (t)  m = MatMul (u, v)  y = Add (m, g)").after),
            "Reshape Gemm Relu Gemm Reshape")
      << "and the next product reads the list";
  EXPECT_EQ(operators(rewritten("s = MatMul (x, w)  t = Add (s, b)  u = Gelu (t)  y = Mul (g, u)").after), "Reshape Gemm Gelu Mul Reshape");
  EXPECT_EQ(operators(rewritten("s = MatMul (x, w)  t = Add (s, b)  y = Div (t, h)").after), "Reshape Gemm Div Reshape");
  EXPECT_EQ(operators(rewritten("s = MatMul (x, w)  t = Add (s, b)  y = Add (t, r)").after), "Reshape Gemm Reshape Add")
      << "another tensor is no list";
  EXPECT_EQ(operators(rewritten("s = MatMul (x, w)  t = Add (s, b)  y = Mul (t, rows)").after), "Reshape Gemm Reshape Mul")
      << "what varies from picture to picture";
  EXPECT_EQ(operators(rewritten("s = MatMul (x, w)  t = Add (s, b)  u = Relu (t)  y = Mul (t, u)").after),
            "Reshape Gemm Reshape Relu Reshape Mul");
}

TEST(TokenGemms, OneDimensionThatIsNotKnown) {
  const std::string nodes = "<float[3,4] w, float[4] b> { t = MatMul (x, w)  y = Add (t, b) }";
  EXPECT_EQ(operators(run_pass_on("g (float[N,5,3] x) => (float[N,5,4] y) " + nodes, pass).after), "Reshape Gemm Reshape");
  EXPECT_EQ(run_pass_on("g (float[N,T,3] x) => (float[N,T,4] y) " + nodes, pass).detail, "") << "two";
}

TEST(TokenGemms, NoOtherSums) {
  EXPECT_EQ(rewritten("t = MatMul (x, w)  y = Add (t, columns)").detail, "") << "a summand of its own for each token";
  EXPECT_EQ(rewritten("t = MatMul (x, w)  y = Add (t, h)").detail, "") << "one value";
  EXPECT_EQ(rewritten("t = MatMul (x, w)  u = Add (t, b)  y = Mul (u, t)").detail, "") << "the product is read by others";
  EXPECT_EQ(rewritten("t = MatMul (x, w)  y = Add (t, r)").detail, "");
  EXPECT_EQ(run_pass_on("g (float[2,5,3] x) => (float y) <float[2,3,4] w, float[4] b> { t = MatMul (x, w)  y = Add (t, b) }", pass).detail,
            "")
      << "a matrix for each picture";
}

TEST(TokenGemms, NotOfNodesThatAreToStay) {
  const Model model = text_model("g (float[2,5,3] x) => (float y) <float[3,4] w, float[4] b> { t = MatMul (x, w)  y = Add (t, b) }");
  EXPECT_EQ(run_pass_on(with_name(model, "MatMul"), sparing_kept).detail, "");
  EXPECT_EQ(run_pass_on(with_name(model, "Add"), sparing_kept).detail, "");
  const auto without_gemms = [](Model& one) {
    return token_gemms(one, [](const onnx::NodeProto& node) { return node.op_type() == "Gemm"; });
  };
  EXPECT_EQ(run_pass_on(model, without_gemms).detail, "") << "who wants no Gemm quantized does not mean products by that";
}

}  // namespace
}  // namespace quantize::test
