#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

TEST(UnpackConstants, EveryFormOfValue) {
  const auto result = run_pass_on(R"(g (float[2,3] x) => (float[2,3] y, int64[2] s, int64 t) {
    a = Constant <value = float[3] {1, 2, 3}> ()
    b = Constant <value_float = 0.5> ()
    c = Constant <value_floats = [1.0, -1.0, 2.0]> ()
    d = Constant <value_int = 4> ()
    e = Constant <value_ints = [6, 7]> ()
    x1 = Add (x, a)
    x2 = Mul (x1, b)
    y = Sub (x2, c)
    s = Identity (e)
    t = Identity (d)
  })",
                                  unpack_constants);
  EXPECT_EQ(result.detail, "5 constants");
  EXPECT_EQ(operators(result.after), "Add Mul Sub Identity Identity");
  EXPECT_EQ(initializer_of(result.after, "b").dims_size(), 0);
  EXPECT_EQ(float_values(initializer_of(result.after, "b")), std::vector<float>{0.5F});
  EXPECT_EQ(int_values(initializer_of(result.after, "e")), (std::vector<std::int64_t>{6, 7}));
}

TEST(UnpackConstants, KeepsConstantThatIsAnOutput) {
  const auto result = run_pass_on(R"(g (float[2] x) => (float[2] y, float[1] c) {
    c = Constant <value = float[1] {3}> ()
    y = Mul (x, c)
  })",
                                  unpack_constants);
  EXPECT_EQ(result.detail, "");
  EXPECT_EQ(operators(result.after), "Constant Mul");
}

TEST(UnpackConstants, LeavesSubgraphsAlone) {
  const auto result = run_pass_on(R"(g (bool b, float[2] x) => (float[2] y) {
    y = If (b) <
      then_branch = t () => (float[2] p) { one = Constant <value = float {1}> ()  p = Add (x, one) },
      else_branch = e () => (float[2] q) { q = Identity (x) }>
  })",
                                  unpack_constants);
  EXPECT_EQ(result.detail, "");
}

TEST(UnpackConstants, NothingIsClaimedAboutThem) {
  Model model = text_model("g (float[2] x) => (float[2] y) { c = Constant <value = float[2] {1, 2}> ()  y = Mul (x, c) }");
  claim(model, "c", {2});
  EXPECT_EQ(run_pass_on(model, unpack_constants).after.graph().value_info_size(), 0);
}

}  // namespace
}  // namespace quantize::test
