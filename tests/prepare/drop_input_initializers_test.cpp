#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

constexpr auto conv = R"(g (float[1,2,5,5] x, float[3,2,3,3] w) => (float[1,3,3,3] y) { y = Conv (x, w) })";

Model with_weight_as_input(int ir_version) {
  Model model = text_model(conv, 13, ir_version);
  *model.graph().add_initializer() = make_tensor("w", {3, 2, 3, 3}, std::vector<float>(54, 0.25F));
  return model;
}

TEST(DropInputInitializers, RemovesWeightFromInputs) {
  const auto result = run_pass_on(with_weight_as_input(7), drop_input_initializers);
  EXPECT_EQ(result.detail, "1 weight no longer inputs");
  ASSERT_EQ(result.after.graph().input_size(), 1);
  EXPECT_EQ(result.after.graph().input(0).name(), "x");
  EXPECT_EQ(result.after.graph().initializer_size(), 1);
}

TEST(DropInputInitializers, RaisesTheFormatThatRequiredIt) {
  EXPECT_EQ(run_pass_on(with_weight_as_input(3), drop_input_initializers).after.proto.ir_version(), 4);
  EXPECT_EQ(run_pass_on(with_weight_as_input(7), drop_input_initializers).after.proto.ir_version(), 7);
}

TEST(DropInputInitializers, KeepsInputsWithoutInitializer) {
  const auto result =
      run_pass_on("g (float[1,2,5,5] x, float[2,2,3,3] w) => (float[1,2,3,3] y) { y = Conv (x, w) }", drop_input_initializers);
  EXPECT_EQ(result.detail, "");
  EXPECT_EQ(result.after.graph().input_size(), 2);
}

}  // namespace
}  // namespace quantize::test
