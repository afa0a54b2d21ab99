// The trap: ONNX's version converter gives old Upsample and Resize nodes a new coordinate rule. Every case here runs the old node and the
// new one.
#include "model/attribute.h"
#include "pass_fixture.h"
#include "prepare/passes.h"

namespace quantize::test {
namespace {

struct ResizeCase {
  std::string op, mode, scales;
  int opset;
};

std::string graph_of(const ResizeCase& one) {
  const std::string head = "g (float[1,2,6,8] x) => (float[a,b,c,d] y) ";
  if (one.opset < 9) return head + "{ y = " + one.op + " <mode = \"" + one.mode + "\", scales = [" + one.scales + "]> (x) }";
  return head + "<float[4] s = {" + one.scales + "}> { y = " + one.op + " <mode = \"" + one.mode + "\"> (x, s) }";
}

class RaiseResize : public testing::TestWithParam<ResizeCase> {};

TEST_P(RaiseResize, SamePixels) {
  const auto result = run_pass_on(
      graph_of(GetParam()), [](Model& model) { return raise_opset(model, 0); }, GetParam().opset, 1e-6);
  EXPECT_EQ(count_nodes(result.after, GetParam().op == "Upsample" ? "Upsample" : "none"), 0);
  EXPECT_EQ(string_attribute(node_of(result.after, "y"), "coordinate_transformation_mode", ""), "asymmetric");
}

std::vector<ResizeCase> cases() {
  std::vector<ResizeCase> all;
  for (const std::string mode : {"nearest", "linear"}) {
    for (const std::string scales : {"1.0, 1.0, 2.0, 2.0", "1.0, 1.0, 3.0, 1.0", "1.0, 1.0, 1.5, 2.5", "1.0, 1.0, 1.7, 1.3"}) {
      for (const int opset : {7, 8, 9}) all.push_back({"Upsample", mode, scales, opset});
      all.push_back({"Resize", mode, scales, 10});
    }
    for (const std::string scales :
         {"1.0, 1.0, 0.5, 0.5", "1.0, 1.0, 0.7, 0.4", "1.0, 1.0, 0.34, 1.0", "1.0, 1.0, 2.0, 0.5", "1.0, 1.0, 0.6, 1.7"}) {
      all.push_back({"Resize", mode, scales, 10});
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(OldRules, RaiseResize, testing::ValuesIn(cases()), [](const auto& row) {
  std::string name = row.param.op + std::to_string(row.param.opset) + "_" + row.param.mode + "_" + row.param.scales;
  std::erase_if(name, [](char letter) { return letter == ' '; });
  for (auto& letter : name) letter = std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter : '_';
  return name;
});

// The scales of old exporters are often computed from shapes; folding comes before raising, so that they are known by then.
TEST(RaiseResizeScales, ComputedScalesAreTakenToGrow) {
  const auto result = run_pass_on(
      "g (float[1,2,6,8] x, float[4] s) => (float[a,b,c,d] y) { t = Relu (s)  u = Ceil (t)  o = Exp (u)  d = Div (o, o)  two = Add (d, d)  "
      "y = Resize (x, two) }",
      [](Model& model) { return raise_opset(model, 0); }, 10);
  EXPECT_EQ(string_attribute(node_of(result.after, "y"), "nearest_mode", ""), "floor");
}

TEST(RaiseResizeScales, KeepsNewerResizeAsItIs) {
  const auto result = run_pass_on(
      "g (float[1,2,6,8] x) => (float[a,b,c,d] y) <float[4] s = {1, 1, 2, 2}, float[0] roi = {}> { y = Resize <mode = \"linear\"> (x, roi, "
      "s) }",
      [](Model& model) { return raise_opset(model, 0); }, 11);
  EXPECT_EQ(node_of(result.after, "y").attribute_size(), 1);
}

}  // namespace
}  // namespace quantize::test
