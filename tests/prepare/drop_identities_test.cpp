#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

class DropIdentities : public testing::TestWithParam<GraphCase> {};

TEST_P(DropIdentities, LeavesTheRest) {
  const auto& one = GetParam();
  const auto result = run_pass_on(one.graph, drop_identities, one.opset);
  EXPECT_EQ(operators(result.after), one.operators_after);
}

INSTANTIATE_TEST_SUITE_P(
    Dropped, DropIdentities,
    testing::Values(
        GraphCase{"Chain", "g (float[2] x) => (float[2] y) { a = Identity (x)  b = Identity (a)  y = Relu (b) }", "Relu"},
        GraphCase{"OutputTakesOverTheName", "g (float[2] x) => (float[2] y) { a = Relu (x)  y = Identity (a) }", "Relu"},
        GraphCase{"OutputAndOtherReaders",
                  "g (float[2] x) => (float[2] y, float[2] z) { a = Relu (x)  y = Identity (a)  b = Identity (a)  z = Neg (b) }",
                  "Relu Neg"},
        GraphCase{"Dropout", "g (float[2] x) => (float[2] y) { a = Dropout (x)  y = Relu (a) }", "Relu"},
        GraphCase{"DropoutWithUnreadMask", "g (float[2] x) => (float[2] y) { a, m = Dropout <ratio = 0.5> (x)  y = Relu (a) }", "Relu", 7},
        GraphCase{"DropoutNotTraining",
                  "g (float[2] x) => (float[2] y) <float r = {0.5}, bool t = {0}> { a = Dropout (x, r, t)  y = Relu (a) }", "Relu"},
        GraphCase{"CastToSameType", "g (float[2] x) => (float[2] y) { a = Cast <to = 1> (x)  y = Relu (a) }", "Relu"},
        GraphCase{"TransposeInOrder", "g (float[2,3] x) => (float[2,3] y) { a = Transpose <perm = [0, 1]> (x)  y = Relu (a) }", "Relu"},
        GraphCase{"ReshapeToSameShape", "g (float[2,3] x) => (float[2,3] y) <int64[2] s = {-1, 3}> { a = Reshape (x, s)  y = Relu (a) }",
                  "Relu"},
        GraphCase{"ReshapeOfFreeShape", "g (float[N,3] x) => (float[N,3] y) <int64[2] s = {-1, 3}> { a = Reshape (x, s)  y = Relu (a) }",
                  "Relu"},
        GraphCase{"FlattenOfFreeMatrix", "g (float[N,3] x) => (float[N,3] y) { a = Flatten (x)  y = Relu (a) }", "Relu"},
        GraphCase{"FlattenOfMatrix", "g (float[2,3] x) => (float[2,3] y) { a = Flatten (x)  y = Relu (a) }", "Relu"},
        GraphCase{"ConcatOfOne", "g (float[2] x) => (float[2] y) { a = Concat <axis = 0> (x)  y = Relu (a) }", "Relu"},
        GraphCase{"PadByNothing", "g (float[2] x) => (float[2] y) <int64[2] p = {0, 0}> { a = Pad (x, p)  y = Relu (a) }", "Relu"},
        GraphCase{"PadByNothingAsAttribute", "g (float[2] x) => (float[2] y) { a = Pad <pads = [0, 0]> (x)  y = Relu (a) }", "Relu", 9},
        GraphCase{"DeadNodesAndWeights", "g (float[2] x) => (float[2] y) <float[2] w> { a = Add (x, w)  b = Neg (a)  y = Relu (x) }",
                  "Relu"},
        GraphCase{"ReadBySubgraph",
                  "g (bool c, float[2] x) => (float[2] y) { a = Identity (x)  y = If (c) < then_branch = t () => (float[2] p) { p = Neg "
                  "(a) }, else_branch = e () => "
                  "(float[2] q) { q = Relu (x) } > }",
                  "If"}),
    case_name);

INSTANTIATE_TEST_SUITE_P(
    Kept, DropIdentities,
    testing::Values(
        GraphCase{"InputToOutput", "g (float[2] x) => (float[2] y) { y = Identity (x) }", "Identity"},
        GraphCase{"OutputToOutput", "g (float[2] x) => (float[2] y, float[2] z) { y = Relu (x)  z = Identity (y) }", "Relu Identity"},
        GraphCase{"TwoOutputsOfOneSource",
                  "g (float[2] x) => (float[2] y, float[2] z) { a = Relu (x)  y = Identity (a)  z = Identity (a) }", "Relu Identity"},
        GraphCase{"WeightToOutput", "g (float[2] x) => (float[2] y, float[2] z) <float[2] w> { z = Identity (w)  y = Add (x, w) }",
                  "Identity Add"},
        GraphCase{"DropoutWithReadMask", "g (float[2] x) => (float[2] y, bool[2] n) { y, m = Dropout (x)  n = Not (m) }", "Dropout Not"},
        GraphCase{"CastToOtherType", "g (float[2] x) => (double[2] y) { a = Cast <to = 11> (x)  y = Neg (a) }", "Cast Neg"},
        GraphCase{"TransposeThatMoves", "g (float[2,3] x) => (float[3,2] y) { a = Transpose <perm = [1, 0]> (x)  y = Relu (a) }",
                  "Transpose Relu"},
        GraphCase{"TransposeByDefault", "g (float[2,2] x) => (float[2,2] y) { a = Transpose (x)  y = Relu (a) }", "Transpose Relu"},
        GraphCase{"ReshapeOfTwoFreeDimensions",
                  "g (float[N,M] x, float[K,L] z) => (float[K,L] y) { s = Shape (z)  a = Reshape (x, s)  y = Relu (a) }",
                  "Shape Reshape Relu"},
        GraphCase{"ExpandOfFreeShape",
                  "g (float[N,3] x, float[M,3] z) => (float[A,3] y) { s = Shape (z)  a = Expand (x, s)  y = Relu (a) }",
                  "Shape Expand Relu"},
        GraphCase{"PadThatPads", "g (float[2] x) => (float[3] y) <int64[2] p = {0, 1}> { a = Pad (x, p)  y = Relu (a) }", "Pad Relu"},
        GraphCase{"DeadInSubgraphOnly",
                  "g (bool c, float[2] x) => (float[2] y) <float[2] w> { a = Add (x, w)  y = If (c) < then_branch = t () => (float[2] p) { "
                  "p = Neg (a) }, else_branch "
                  "= e () => (float[2] q) { q = Relu (x) } > }",
                  "Add If"}),
    case_name);

TEST(DropIdentitiesNames, OutputKeepsItsName) {
  const auto result =
      run_pass_on("g (float[2] x) => (float[2] y) { a = Relu (x)  b = Neg (a)  c = Identity (b)  y = Identity (c) }", drop_identities);
  EXPECT_EQ(node_of(result.after, "y").op_type(), "Neg");
}

}  // namespace
}  // namespace quantize::test
