#include "mixed/file_bytes.h"

#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "model/payload.h"
#include "rewrite/rewrite.h"

namespace quantize::test {
namespace {

Plan plan_of(const char* graph) {
  const auto planned = plan_graph(text_model(graph), scheme_named("w8a8"));
  return {planned.prepared, planned.placement, planned.encodings};
}

// Weights of 16 groups of 4 channels, which ONNX Runtime's kernel is slow for, and enough other weights for those that it gains.
TEST(FileBytes, ZerosBetweenMergedGroupsCount) {
  const Plan plan = plan_of(R"(g (float[1,64,12,12] x) => (float[1,128,H,W] y) <float[64,4,3,3] w, float[128,64,5,5] v> {
    a = Conv <group = 16, strides = [2,2]> (x, w)
    r = Relu (a)
    y = Conv (r, v)
  })");
  Target target = find_target("ort-cpu");
  const auto merged = file_bytes(plan, target);
  target.merge_groups = false;
  const auto apart = file_bytes(plan, target);
  EXPECT_GE(merged, apart + 64 * 4 * 9) << "twice the weights, at least";
}

TEST(FileBytes, ShortNamesCount) {
  const Plan plan = plan_of(
      R"(g (float[1,8,8,8] x) => (float[1,8,8,8] y) <float[8,8,3,3] backbone_stage1_block0_conv1_weight, float[8,8,1,1] head_weight> {
    backbone_stage1_block0_conv1_output = Conv <pads = [1,1,1,1]> (x, backbone_stage1_block0_conv1_weight)
    backbone_stage1_block0_relu1_output = Relu (backbone_stage1_block0_conv1_output)
    y = Conv (backbone_stage1_block0_relu1_output, head_weight)
  })");
  Target target = find_target("ort-cpu");
  target.point_products = false;  // which needs more nodes
  EXPECT_LT(file_bytes(plan, target), stored_bytes(rewrite(plan.model, plan.placement, plan.encodings).proto));
}

}  // namespace
}  // namespace quantize::test
