#include "encode/divisors.h"

#include <gtest/gtest.h>

#include "plan_fixture.h"

namespace quantize::test {
namespace {

// The names of what the nodes make.
std::string divisors_of(const std::string& nodes) {
  const Model model = text_model(
      "g (float[1,4,6] x, float[1,4,6] v) => (float y) <float e = {1e-5}, float two = {2}, float back = {-0.5}, float[1] low = {0.1}, "
      "int64[1] a = {0}, int64[1] b = {1}, int64[1] ax = {1}, float[6,6] w> {" +
      nodes + "}");
  const GraphIndex index(model.graph());
  std::string names;
  for (const int number : divisor_nodes(index)) names += (names.empty() ? "" : " ") + index.node(number).output(0);
  return names;
}

TEST(Divisors, AreFollowedToWhatMakesThem) {
  EXPECT_EQ(divisors_of("s = Sigmoid (x)  d = Add (s, e)  y = Div (v, d)"), "d");
  EXPECT_EQ(divisors_of("s = Sigmoid (x)  t = Slice (s, a, b, ax)  d = Max (e, t)  y = Div (v, d)"), "d")
      << "what was rounded before it was moved is not better for staying float";
  EXPECT_EQ(divisors_of("s = Sigmoid (x)  c = Clip (s, e)  y = Div (v, c)"), "c") << "the bound would round to zero";
  EXPECT_EQ(divisors_of("s = Add (x, v)  d = Add (s, e)  y = Div (v, d)"), "d") << "a sum of two activations may be of what is rounded";
}

// One product makes numerator and denominator, of keys and values multiplied before.
TEST(Divisors, LinearAttention) {
  EXPECT_EQ(divisors_of("q = Relu (x)  k = Relu (v)  kt = Transpose <perm = [0,2,1]> (k)  kv = MatMul (kt, v)  p = MatMul (q, kv)  "
                        "n = Slice (p, a, b, ax)  t = Slice (p, a, b, ax)  d = Add (t, e)  y = Div (n, d)"),
            "kv p t d")
      << "what is multiplied first may be rounded, and so may the numerator";
}

// What is squared may be rounded, its squares may not: normalizations as converters write them.
TEST(Divisors, SquaresOfNormalizations) {
  EXPECT_EQ(divisors_of("q = Mul (x, x)  m = ReduceMean <axes = [-1]> (q)  k = Add (m, e)  r = Sqrt (k)  y = Div (x, r)"), "q m k r");
  EXPECT_EQ(divisors_of("q = Pow (x, two)  m = ReduceMean <axes = [-1]> (q)  k = Add (m, e)  r = Sqrt (k)  y = Div (x, r)"), "q m k r");
  EXPECT_EQ(divisors_of("q = Mul (x, x)  m = ReduceSum (q, ax)  k = Max (m, e)  r = Sqrt (k)  i = Reciprocal (r)  y = Mul (x, i)"),
            "q m k r i");
  EXPECT_EQ(divisors_of("q = Mul (x, x)  p = Mul (v, v)  s = Add (q, p)  r = Sqrt (s)  y = Div (x, r)"), "q p s r") << "a magnitude";
  EXPECT_EQ(divisors_of("q = Mul (x, x)  m = ReduceMean <axes = [-1]> (q)  u = ReduceMean <axes = [-1]> (x)  w2 = Mul (u, u)  "
                        "d = Sub (m, w2)  k = Add (d, e)  r = Sqrt (k)  y = Div (x, r)"),
            "q m u w2 d k r")
      << "the variance in one pass";
  EXPECT_EQ(divisors_of("q = Mul (x, v)  m = ReduceSum (q, ax)  y = Div (x, m)"), "m") << "a sum of products may be of what is rounded";
}

// Rsqrt times gamma, as Keras writes a LayerNormalization: its values are factors and nothing else.
TEST(Divisors, InversesThatAreFactors) {
  const std::string variance = "q = Mul (x, x)  m = ReduceMean <axes = [-1]> (q)  k = Add (m, e)  i = Pow (k, back)  ";
  EXPECT_EQ(divisors_of(variance + "g = Mul (i, low)  y = Mul (x, g)"), "q m k i g");
  EXPECT_EQ(divisors_of(variance + "g = Mul (i, low)  h = MatMul (g, w)  y = Mul (h, g)"), "q m k") << "a MatMul reads it on integers";
  EXPECT_EQ(divisors_of("q = Mul (x, x)  m = ReduceMean <axes = [-1]> (q)  r = Sqrt (m)  i = Div (two, r)  y = Mul (x, i)"), "q m r i");
  EXPECT_EQ(divisors_of("r = Sqrt (x)  y = Reciprocal (r)"), "r") << "a result of the graph may be rounded";
}

TEST(Divisors, WhatALogReads) {
  EXPECT_EQ(divisors_of("s = Softmax (x)  y = Log (s)"), "s");
  EXPECT_EQ(divisors_of("s = Add (x, v)  q = Mul (s, s)  y = Log (q)"), "q");
  EXPECT_EQ(divisors_of("n = Neg (x)  t = Exp (n)  d = Add (t, e)  y = Reciprocal (d)"), "t d") << "a Sigmoid written out";
}

TEST(Divisors, ConstantsAndWeightedOperatorsAreNone) {
  EXPECT_EQ(divisors_of("y = Div (x, e)"), "");
  EXPECT_EQ(divisors_of("k = Add (x, e)  y = Pow (k, two)"), "");
  EXPECT_EQ(divisors_of("d = MatMul (x, w)  y = Div (v, d)"), "");
}

TEST(Divisors, StayFloatOnEveryTarget) {
  for (const char* target : {"ort-cpu", "qnn"}) {
    const auto plan =
        plan_graph(text_model(R"(g (float[1,3,4,4] x) => (float[1,4,4,4] y) <float[4,3,1,1] w, float[4,4,1,1] u, float e = {0.01}> {
      c = Conv (x, w)
      s = Sigmoid (c)
      d = Add (s, e)
      q = Div (c, d)
      y = Conv (q, u)
    })"),
                   scheme_named("w8a8"), find_target(target));
    EXPECT_FALSE(plan.encodings.activations.contains("d")) << target;
    EXPECT_NE(plan.placement.decisions[2].reason.find("divided by"), std::string::npos) << plan.placement.decisions[2].reason;
  }
}

}  // namespace
}  // namespace quantize::test
