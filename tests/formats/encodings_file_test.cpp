#include "formats/encodings_file.h"

#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "support/error_text.h"

namespace quantize {
namespace {

using test::plan_graph;
using test::PlannedGraph;

EncodingsFile file_of(const PlannedGraph& plan) {
  return {{std::string(32, 'a'), std::string(32, 'b'), std::string(32, 'c'), {{"scheme", "w8a8"}}}, plan.encodings};
}

PlannedGraph planned(const std::string& scheme = "w8a8") {
  const auto named = test::scheme_named(scheme);
  return plan_graph(test::text_model_for(named, test::residual_graph), named);
}

std::string refusal(const std::function<void()>& work) { return test::error_text(work, ErrorKind::data); }

class EncodingsOf : public testing::TestWithParam<std::string> {};

TEST_P(EncodingsOf, ReadBackBitForBit) {
  const auto plan = planned(GetParam());
  const auto text = write_encodings(file_of(plan));
  const auto back = read_encodings(text, "e.json");
  EXPECT_EQ(write_encodings(back), text);
  ASSERT_EQ(back.encodings.activations.size(), plan.encodings.activations.size());
  for (const auto& [before, after] :
       {std::pair(&plan.encodings.activations, &back.encodings.activations), {&plan.encodings.weights, &back.encodings.weights}}) {
    for (const auto& [name, encoding] : *before) {
      const auto& other = after->at(name);
      EXPECT_EQ(other.scale, encoding.scale);
      EXPECT_EQ(other.zero_point, encoding.zero_point);
      EXPECT_EQ(other.type, encoding.type);
      EXPECT_EQ(other.axis, encoding.axis);
      EXPECT_EQ(other.method, encoding.method);
    }
  }
  EXPECT_NO_THROW(check_encodings(back.encodings, plan.prepared, plan.placement));
}

INSTANTIATE_TEST_SUITE_P(Schemes, EncodingsOf, testing::Values("w8a8", "w8a16", "w4a16"));

TEST(EncodingsFile, HasOneReadableLinePerTensor) {
  EncodingsFile file;
  file.encodings.activations["x"] = {onnx::TensorProto::UINT8, -1, {0.1F}, {3}, "mse"};
  file.encodings.weights["w"] = {onnx::TensorProto::INT4, 0, {0.5F, 0.25F}, {0, 0}, "largest magnitude"};
  const auto text = write_encodings(file);
  EXPECT_NE(
      text.find(
          "\n    \"x\": "
          "{\"bits\":8,\"type\":\"uint8\",\"symmetric\":false,\"axis\":null,\"scale\":[0.1],\"zero_point\":[3],\"method\":\"mse\"}\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("\"w\": {\"bits\":4,\"type\":\"int4\",\"symmetric\":true,\"axis\":0,\"scale\":[0.5,0.25],\"zero_point\":[0,0],"),
            std::string::npos)
      << text;
}

TEST(EncodingsFile, NamesTheFieldThatIsWrong) {
  EncodingsFile file;
  file.encodings.activations["x"] = {onnx::TensorProto::UINT8, -1, {0.1F}, {3}, "mse"};
  const auto text = write_encodings(file);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return refusal([&] { (void)read_encodings(changed, "e.json"); });
  };
  EXPECT_EQ(with("[0.1]", "1"), "e.json cannot be used: 'x': its \"scale\" is not a list of numbers");
  EXPECT_EQ(with("\"zero_point\"", "\"zero\""), "e.json cannot be used: 'x': its \"zero_point\" is missing");
  EXPECT_EQ(with("\"axis\":null", "\"axis\":\"no\""), "e.json cannot be used: 'x': its \"axis\" is not a number or null");
  EXPECT_EQ(with("\"version\": 1", "\"version\": \"1\""), "e.json cannot be used: its \"version\" is not a number");
  EXPECT_EQ(with("\"weights\"", "\"wieghts\""), "e.json cannot be used: its \"weights\" is missing");
  EXPECT_EQ(with("quantize encodings", "quantize statistics"), "e.json cannot be used: it holds no quantize encodings");
  EXPECT_EQ(refusal([] { (void)read_encodings("{\n oops", "e.json"); }),
            "e.json is no JSON (line 2, byte 4), and so no quantize encodings");
}

TEST(EncodingsFile, ChecksEveryEntryAgainstTheModel) {
  const auto plan = planned();
  const auto with = [&](const std::function<void(Encodings&)>& change) {
    auto encodings = plan.encodings;
    change(encodings);
    return refusal([&] { check_encodings(encodings, plan.prepared, plan.placement); });
  };
  EXPECT_NE(with([](Encodings& e) { e.activations.erase("e"); }).find("'e': it has no entry"), std::string::npos);
  EXPECT_NE(with([](Encodings& e) { e.activations["z"] = e.activations["e"]; }).find("'z': the model has no such tensor"),
            std::string::npos);
  EXPECT_NE(with([](Encodings& e) { e.weights["p"] = e.weights["w"]; }).find("'p': the model has no such weight"), std::string::npos);
  EXPECT_NE(with([](Encodings& e) { e.activations["e"].axis = 1; }).find("'e'"), std::string::npos);
  EXPECT_NE(with([](Encodings& e) { e.weights["w"].axis = 1; }).find("axis 0, not 1"), std::string::npos);
  EXPECT_NE(with([](Encodings& e) { e.weights["w"].scale.pop_back(); }).find("8 channels and 7 scales"), std::string::npos);
  EXPECT_NE(with([](Encodings& e) { e.weights["w"].zero_point[0] = 1; }).find("zero point must be 0"), std::string::npos);
  EXPECT_NE(with([](Encodings& e) { e.weights["w"].scale[3] = 1e-30F; }).find("would overflow"), std::string::npos);
}

TEST(EncodingsFile, ZeroPointsOfFourBitWeightsAreForTargetsThatTakeThem) {
  const auto scheme = test::scheme_named("w4a16");
  auto plan = test::plan_graph(
      test::text_model_for(scheme, "g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w> { y = Conv (x, w) }"), scheme);
  plan.encodings.weights.at("w").zero_point = {-8, 3};
  EXPECT_EQ(refusal([&] { check_encodings(plan.encodings, plan.prepared, plan.placement); }), "");
  auto narrowed = plan.encodings;
  narrowed.weights.at("w").largest = {7, 7};
  EXPECT_NE(refusal([&] { check_encodings(narrowed, plan.prepared, plan.placement); }).find("needs zero points of 0"), std::string::npos);
  plan.placement.weight_zero_points = false;
  EXPECT_NE(refusal([&] { check_encodings(plan.encodings, plan.prepared, plan.placement); }).find("zero point must be 0"),
            std::string::npos);
}

TEST(EncodingsFile, TensorsOfOneGroupNeedOneEncoding) {
  const auto scheme = test::scheme_named("w8a8");
  const auto plan =
      plan_graph(test::text_model_for(scheme, R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,3,3] w, float[4,4,1,1] v> {
    a = Conv <pads = [1,1,1,1]> (x, w)
    b = MaxPool <kernel_shape = [3,3], pads = [1,1,1,1]> (a)
    y = Conv (b, v)
  })"),
                 scheme);
  auto encodings = plan.encodings;
  encodings.activations.at("b").scale[0] *= 2;
  EXPECT_NE(refusal([&] { check_encodings(encodings, plan.prepared, plan.placement); }).find("both need the same encoding"),
            std::string::npos);
}

}  // namespace
}  // namespace quantize
