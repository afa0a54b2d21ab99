// The real model of the bench, as a plain PyTorch export left it: 55 BatchNormalizations and Shape/Slice/Gather left-overs.
#include <filesystem>

#include "pass_fixture.h"
#include "prepare/prepare.h"

namespace quantize::test {
namespace {

TEST(Ffnet, EndsAsPlainConvolutions) {
  const std::filesystem::path file = std::filesystem::path(QUANTIZE_SOURCE_DIR) / "../shared/bench/ffnet40s_camvid.onnx";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not there: the bench is not part of the project";
  Model model = load_model(file);
  const std::vector<std::vector<Tensor>> inputs = {random_inputs(model.proto, 1), random_inputs(model.proto, 2)};
  Context context;
  context.threads = 2;
  const auto outcomes = prepare(model, {}, inputs, context).passes;
  for (const auto& outcome : outcomes) {
    EXPECT_NE(outcome.status, PassOutcome::Status::undone) << outcome.name << ": " << outcome.detail;
    EXPECT_LT(outcome.difference, 1e-4) << outcome.name;
    RecordProperty(outcome.name, outcome.detail + ", " + std::to_string(outcome.difference) + ", s " + std::to_string(outcome.seconds));
  }
  EXPECT_EQ(count_nodes(model, "Conv"), 56);
  for (const auto& node : model.graph().node()) {
    EXPECT_EQ(node.input_size(), node.op_type() == "Conv" ? 3 : node.input_size()) << node.output(0);
  }
  for (const char* gone : {"BatchNormalization", "Shape", "Gather", "Slice", "Cast", "Unsqueeze", "Identity", "Constant"})
    EXPECT_EQ(count_nodes(model, gone), 0) << gone;
  EXPECT_EQ(count_nodes(model, "Concat"), 1);
}

}  // namespace
}  // namespace quantize::test
