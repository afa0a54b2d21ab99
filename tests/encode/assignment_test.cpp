// Exceptions from the scheme: who gets which type, what is refused, and that files keep them.
#include "encode/assignment.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "encode/assignment_file.h"
#include "encode/plan_fixture.h"
#include "rewrite/rewrite.h"
#include "support/error_text.h"
#include "support/folder_test.h"
#include "verify/verify.h"

namespace quantize::test {
namespace {

using Proto = onnx::TensorProto;

constexpr const char* net = R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y)
    <float[4,3,1,1] w, float[4] b, float[4,4,1,1] v, float[4] e, float[2,4,1,1] u, float[1,4,1,1] k> {
  a = Conv (x, w, b)
  r = Relu (a)
  m = MaxPool <kernel_shape = [3,3], pads = [1,1,1,1]> (r)
  c = Conv (m, v, e)
  p = Mul (c, k)
  y = Conv (p, u)
})";

Encodings encode_with(const Model& model, const Scheme& scheme) {
  const Placement placement = place(model, find_target("ort-cpu"), {}, scheme.exceptions);
  Context context;
  return encode(model, placement, observe_all(model, placement.observed()), scheme, context);
}

std::string refusal(const Assignment& assignment) {
  return error_text([&] { check_assignment(assignment, place(text_model(net), find_target("ort-cpu"))); }, ErrorKind::usage);
}

TEST(Assignment, SingleWeightsAndActivationsGetTheirOwnTypes) {
  Scheme scheme = scheme_named("w8a8");
  scheme.exceptions = {{{"c", 4}}, {{"r", 16}}};
  const Encodings encodings = encode_with(text_model(net), scheme);
  EXPECT_EQ(encodings.weights.at("w").type, Proto::INT8);
  EXPECT_EQ(encodings.weights.at("v").type, Proto::INT4);
  EXPECT_EQ(encodings.activations.at("x").type, Proto::UINT8);
  EXPECT_EQ(encodings.activations.at("r").type, Proto::UINT16);
  EXPECT_EQ(encodings.activations.at("m").type, Proto::UINT16) << "shares r's encoding";
  EXPECT_EQ(encodings.activations.at("c").type, Proto::UINT8);
  EXPECT_EQ(encodings.activations.at("k").type, Proto::UINT8);
}

TEST(Assignment, AnyMemberSpeaksForItsGroup) {
  Scheme scheme = scheme_named("w8a8");
  scheme.exceptions = {{}, {{"m", 16}}};
  EXPECT_EQ(encode_with(text_model(net), scheme).activations.at("r").type, Proto::UINT16);
}

TEST(Assignment, AConstantOperandFollowsTheWidestActivationItMeets) {
  Scheme scheme = scheme_named("w8a8");
  scheme.exceptions = {{}, {{"p", 16}}};
  const Encodings encodings = encode_with(text_model(net), scheme);
  EXPECT_EQ(encodings.activations.at("c").type, Proto::UINT8);
  EXPECT_EQ(encodings.activations.at("k").type, Proto::UINT16);
}

TEST(Assignment, ASharedWeightHasTheMostBitsThatOneOfItsNodesAsksFor) {
  const Model model = text_model(R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,1,1] w> {
    a = Conv (x, w)
    y = Conv (a, w)
  })");
  Scheme scheme = scheme_named("w4a16");
  EXPECT_EQ(encode_with(model, scheme).weights.at("w").type, Proto::INT4);
  scheme.exceptions.weights["y"] = 8;
  EXPECT_EQ(encode_with(model, scheme).weights.at("w").type, Proto::INT8);
}

TEST(Assignment, WhatIsLeftFloatSaysNothingOfHowASharedWeightIsStored) {
  const Placement placement = place(text_model(R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,1,1] w, float[4,4,1,1] v> {
    a = Conv (x, w)
    b = Conv (a, w)
    y = Conv (b, v)
  })"),
                                    find_target("ort-cpu"));
  using Bits = std::map<std::string, int>;
  EXPECT_EQ(stored_bits(placement, {}, 4), (Bits{{"w", 4}, {"v", 4}}));
  EXPECT_EQ(stored_bits(placement, {{{"a", 8}}, {}}, 4), (Bits{{"w", 8}, {"v", 4}}));
  EXPECT_EQ(stored_bits(placement, {{{"b", 8}}, {}}, 4), (Bits{{"w", 8}, {"v", 4}}));
  EXPECT_EQ(stored_bits(placement, {{{"a", float_bits}}, {}}, 4), (Bits{{"w", 4}, {"v", 4}}));
  EXPECT_EQ(stored_bits(placement, {{{"b", float_bits}}, {}}, 4), (Bits{{"w", 4}, {"v", 4}}));
  EXPECT_EQ(stored_bits(placement, {{{"a", float_bits}, {"b", float_bits}}, {}}, 4), (Bits{{"w", float_bits}, {"v", 4}}));
}

TEST(Assignment, FloatLeavesTheNodeAlone) {
  const Placement placement = place(text_model(net), find_target("ort-cpu"), {}, {{{"c", float_bits}}, {}});
  EXPECT_EQ(placement.weighted.size(), 2U);
  EXPECT_FALSE(placement.decisions[3].quantized);
}

TEST(Assignment, TheOpsetRisesOnlyWhereItsTypesNeedIt) {
  Scheme scheme = Scheme::named("w8a8");
  EXPECT_EQ(scheme.lowest_opset(), 13);
  scheme.exceptions = {{{"c", 8}, {"y", float_bits}}, {{"x", 8}}};
  EXPECT_EQ(scheme.lowest_opset(), 13);
  scheme.exceptions.weights["c"] = 4;
  EXPECT_EQ(scheme.lowest_opset(), 21);
  scheme.exceptions = {{}, {{"x", 16}}};
  EXPECT_EQ(scheme.lowest_opset(), 21);
}

TEST(Assignment, AMixedModelPassesItsChecks) {
  Scheme scheme = scheme_named("w8a8");
  scheme.exceptions = {{{"c", 4}, {"y", float_bits}}, {{"r", 16}}};
  const Model model = text_model_for(scheme, net);
  const Placement placement = place(model, find_target("ort-cpu"), {}, scheme.exceptions);
  Context context;
  const Encodings encodings = encode(model, placement, observe_all(model, placement.observed()), scheme, context);
  const Model written = rewrite(model, placement, encodings);
  EXPECT_NO_THROW(check_model(written.proto, "mixed"));
  EXPECT_EQ(check_weights(model, written.proto, placement, encodings), Issues{});
  EXPECT_EQ(check_biases(written.proto), Issues{});
  EXPECT_EQ(check_activations(model.proto, written.proto, placement, encodings), Issues{});
  EXPECT_EQ(check_bits(placement, encodings, scheme), Issues{});
  scheme.exceptions.weights["c"] = 8;
  EXPECT_EQ(check_bits(placement, encodings, scheme).size(), 1U);
  scheme.exceptions.activations["r"] = 8;
  EXPECT_EQ(check_bits(placement, encodings, scheme).size(), 2U);
}

TEST(Assignment, WhatCannotBeMeantIsRefusedWithTheNearestName) {
  EXPECT_EQ(refusal({{{"c", 8}, {"a", 4}}, {{"x", 16}, {"m", 16}, {"r", 16}}}), "");
  EXPECT_NE(refusal({{{"r", 8}}, {}}).find("'r', which is no node with weights"), std::string::npos);
  EXPECT_NE(refusal({{}, {{"cc", 16}}}).find("did you mean 'c'?"), std::string::npos);
  EXPECT_NE(refusal({{{"c", 6}}, {}}).find("6 bits; 4, 8 or float"), std::string::npos);
  EXPECT_NE(refusal({{}, {{"c", 4}}}).find("4 bits; 8 or 16"), std::string::npos);
  EXPECT_NE(refusal({{}, {{"m", 16}, {"r", 8}}}).find("share an encoding"), std::string::npos);
}

class AssignmentFile : public FolderTest {
 protected:
  AssignmentFile() { model_.fingerprint = "abc"; }
  Assignment read(const std::string& text) const {
    std::ofstream(path_) << text;
    return read_assignment(path_, scheme_, model_);
  }
  std::string refusal(const std::string& text, ErrorKind kind = ErrorKind::usage) const {
    const std::string words = error_text([&] { return read(text); }, kind);
    EXPECT_TRUE(words.empty() || words.find(path_.string()) != std::string::npos) << words;
    return words;
  }

  Model model_ = text_model(net);
  Scheme scheme_ = scheme_named("w8a8");
  std::filesystem::path path_ = folder / "assignment.json";
};

TEST_F(AssignmentFile, ListsEverythingAndIsReadBack) {
  scheme_.exceptions = {{{"c", float_bits}}, {{"r", 16}}};
  const std::string text = write_assignment(scheme_, place(model_, find_target("ort-cpu")), model_);
  const Assignment back = read(text);
  EXPECT_EQ(back.weights, (std::map<std::string, int>{{"a", 8}, {"c", float_bits}, {"y", 8}}));
  EXPECT_EQ(back.activations, (std::map<std::string, int>{{"x", 8}, {"r", 16}, {"c", 8}, {"p", 8}}));
  scheme_.exceptions = back;
  EXPECT_EQ(write_assignment(scheme_, place(model_, find_target("ort-cpu")), model_), text);
}

// Else the file would contradict the model.
TEST_F(AssignmentFile, NodesThatReadOneWeightAreGivenTheBitsItIsStoredWith) {
  model_ = text_model(R"(g (float[1,4,8,8] x) => (float[1,4,8,8] y) <float[4,4,1,1] w> {
    a = Conv (x, w)
    b = Conv (a, w)
    y = Conv (b, w)
  })");
  model_.fingerprint = "abc";
  scheme_ = scheme_named("w4a16");
  scheme_.exceptions.weights = {{"b", 8}, {"y", float_bits}};
  const Assignment back = read(write_assignment(scheme_, place(model_, find_target("ort-cpu")), model_));
  EXPECT_EQ(back.weights, (std::map<std::string, int>{{"a", 8}, {"b", 8}, {"y", float_bits}}));
}

TEST_F(AssignmentFile, ForeignAndBrokenFilesAreRefusedWithTheReason) {
  const std::string head = R"({"format": "quantize assignment", "version": 1)";
  EXPECT_EQ(refusal(head + "}"), "");
  EXPECT_NE(refusal(head + R"(, "model": "xyz"})", ErrorKind::data).find("another model than test.onnx"), std::string::npos);
  EXPECT_NE(refusal(head + R"(, "scheme": "w4a16"})").find("scheme \"w4a16\""), std::string::npos);
  EXPECT_NE(refusal(head + R"(, "wieghts": {}})").find("unknown key \"wieghts\""), std::string::npos);
  EXPECT_NE(refusal(head + R"(, "weights": {"c": "flaot"}})").find("'c' must be given"), std::string::npos);
  EXPECT_NE(refusal(head + R"(, "weights": []})").find("must be an object"), std::string::npos);
  EXPECT_NE(refusal(R"({"format": "quantize assignment", "version": 2})", ErrorKind::data).find("version 1"), std::string::npos);
  EXPECT_NE(refusal("[]", ErrorKind::data).find("no quantize assignment"), std::string::npos);
  EXPECT_NE(refusal("{", ErrorKind::data).find("is no JSON (line 1, byte 2), and so no assignment"), std::string::npos);
  std::filesystem::remove(path_);
  EXPECT_THROW(read_assignment(path_, scheme_, model_), Error);
}

}  // namespace
}  // namespace quantize::test
