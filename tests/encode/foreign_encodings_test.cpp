#include "encode/foreign_encodings.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/error_text.h"

namespace quantize {
namespace {

using Proto = onnx::TensorProto;
using Json = nlohmann::json;

Encodings sample_encodings() {
  Encodings encodings;
  encodings.activations["x"] = {Proto::UINT8, -1, {0.5F}, {128}, "mse"};
  encodings.activations["s"] = {Proto::INT8, -1, {0.25F}, {0}, "mse"};
  encodings.activations["wide"] = {Proto::UINT16, -1, {0.125F}, {0}, "mse"};
  encodings.weights["w"] = {Proto::INT8, 0, {0.5F, 2.0F}, {0, 0}, "mse"};
  encodings.weights["v"] = {Proto::INT4, -1, {0.75F}, {0}, "mse"};
  return encodings;
}

// Written by hand from AIMET's own rules: the offset counts from an unsigned grid, so that a signed type of n bits has -2^(n-1).
TEST(WriteAimet, Version061) {
  EXPECT_EQ(Json::parse(write_aimet(sample_encodings(), AimetVersion::v0_6_1)), Json::parse(R"({
    "producer": {"package": "quantize"}, "version": "0.6.1",
    "activation_encodings": {
      "s": [{"bitwidth": 8, "dtype": "int", "is_symmetric": "True", "max": 31.75, "min": -32, "offset": -128, "scale": 0.25}],
      "wide": [{"bitwidth": 16, "dtype": "int", "is_symmetric": "False", "max": 8191.875, "min": 0, "offset": 0, "scale": 0.125}],
      "x": [{"bitwidth": 8, "dtype": "int", "is_symmetric": "False", "max": 63.5, "min": -64, "offset": -128, "scale": 0.5}]},
    "param_encodings": {
      "v": [{"bitwidth": 4, "dtype": "int", "is_symmetric": "True", "max": 5.25, "min": -6, "offset": -8, "scale": 0.75}],
      "w": [{"bitwidth": 8, "dtype": "int", "is_symmetric": "True", "max": 63.5, "min": -64, "offset": -128, "scale": 0.5},
            {"bitwidth": 8, "dtype": "int", "is_symmetric": "True", "max": 254, "min": -256, "offset": -128, "scale": 2}]}})"));
}

TEST(WriteAimet, Version100) {
  EXPECT_EQ(Json::parse(write_aimet(sample_encodings(), AimetVersion::v1_0_0)), Json::parse(R"({
    "producer": {"package": "quantize"}, "version": "1.0.0",
    "activation_encodings": [
      {"name": "s", "enc_type": "PER_TENSOR", "dtype": "INT", "bw": 8, "is_sym": true, "scale": [0.25], "offset": [-128]},
      {"name": "wide", "enc_type": "PER_TENSOR", "dtype": "INT", "bw": 16, "is_sym": false, "scale": [0.125], "offset": [0]},
      {"name": "x", "enc_type": "PER_TENSOR", "dtype": "INT", "bw": 8, "is_sym": false, "scale": [0.5], "offset": [-128]}],
    "param_encodings": [
      {"name": "v", "enc_type": "PER_TENSOR", "dtype": "INT", "bw": 4, "is_sym": true, "scale": [0.75], "offset": [-8]},
      {"name": "w", "enc_type": "PER_CHANNEL", "dtype": "INT", "bw": 8, "is_sym": true, "scale": [0.5, 2], "offset": [-128, -128]}]})"));
}

TEST(WriteAimet, Version200) {
  EXPECT_EQ(Json::parse(write_aimet(sample_encodings(), AimetVersion::v2_0_0)), Json::parse(R"({
    "producer": {"package": "quantize"}, "version": "2.0.0",
    "encodings": [
      {"name": "s", "output_dtype": "int8", "y_scale": 0.25},
      {"name": "wide", "output_dtype": "uint16", "y_scale": 0.125},
      {"name": "x", "output_dtype": "uint8", "y_scale": 0.5, "y_zero_point": 128},
      {"name": "v", "output_dtype": "int4", "y_scale": 0.75},
      {"name": "w", "output_dtype": "int8", "y_scale": [0.5, 2], "axis": 0}]})"));
}

TEST(ReadOverrides, GivesBackWhatWasWritten) {
  const auto encodings = sample_encodings();
  for (const auto version : {AimetVersion::v0_6_1, AimetVersion::v1_0_0, AimetVersion::v2_0_0}) {
    const auto overrides = parse_overrides(write_aimet(encodings, version), "file");
    EXPECT_EQ(overrides.size(), 5U);
    for (const auto* all : {&encodings.activations, &encodings.weights}) {
      for (const auto& [name, encoding] : *all) {
        EXPECT_EQ(overrides.at(name).type, encoding.type) << name;
        EXPECT_EQ(overrides.at(name).scale, encoding.scale) << name;
        EXPECT_EQ(overrides.at(name).zero_point, encoding.zero_point) << name;
      }
    }
  }
}

TEST(ReadOverrides, UnderstandsOnnxRuntimes) {
  const auto overrides = parse_overrides(R"({
    "a": [{"quant_type": "QInt16", "symmetric": true}], "b": [{"quant_type": "QuantType.QUInt8", "scale": 0.5, "zero_point": 3}],
    "c": [{"rmin": -1.5, "rmax": 2}],
    "w": [{"axis": 0, "quant_type": "QInt8", "scale": 0.5, "zero_point": 0}, {"axis": 0, "quant_type": "QInt8", "scale": 2, "zero_point": 0}],
    "nothing": []})",
                                         "file");
  EXPECT_EQ(overrides.size(), 4U);
  EXPECT_EQ(overrides.at("a").type, Proto::INT16);
  EXPECT_EQ(overrides.at("a").symmetry, Symmetry::symmetric);
  EXPECT_EQ(overrides.at("b").type, Proto::UINT8);
  EXPECT_EQ(overrides.at("b").scale, std::vector<float>{0.5F});
  EXPECT_EQ(overrides.at("b").zero_point, std::vector<std::int32_t>{3});
  EXPECT_EQ(overrides.at("c").low, -1.5);
  EXPECT_EQ(overrides.at("c").high, 2);
  EXPECT_EQ(overrides.at("w").scale, (std::vector<float>{0.5F, 2}));
}

TEST(ReadOverrides, LeavesFloatEntriesAlone) {
  EXPECT_TRUE(parse_overrides(R"({"version": "1.0.0", "param_encodings": [],
    "activation_encodings": [{"name": "x", "dtype": "FLOAT", "bw": 16, "enc_type": "PER_TENSOR"}]})",
                              "file")
                  .empty());
}

std::string refusal(const std::string& json) {
  return test::error_text([&] { return parse_overrides(json, "file.json"); }, ErrorKind::data);
}

TEST(ReadOverrides, SaysWhyItRefuses) {
  const auto says = [](const std::string& json, const std::string& words) {
    EXPECT_NE(refusal(json).find(words), std::string::npos) << refusal(json);
  };
  says("nonsense", "file.json does not hold a JSON object");
  says(R"({"a": 1})", "neither AIMET's encodings nor ONNX Runtime's");
  says(R"({"version": "3.0.0"})", "version \"3.0.0\"; 0.6.1, 1.0.0 and 2.0.0 are known");
  says(R"({"version": "2.0.0"})", "has no encodings");
  says(R"({"version": "2.0.0", "encodings": [{"output_dtype": "int8"}]})", "an encoding has no name");
  says(R"({"version": "2.0.0", "encodings": [{"name": "x", "output_dtype": "int8"}]})", "tensor 'x': ");
  says(R"({"version": "2.0.0", "encodings": [{"name": "x", "output_dtype": "int32", "y_scale": 1}]})", "'int32' is not supported");
  says(R"({"version": "2.0.0", "encodings": [{"name": "x", "output_dtype": "int8", "y_scale": [[1]], "block_size": 4}]})", "in blocks");
  says(R"({"version": "2.0.0", "encodings": [{"name": "x", "output_dtype": "int8", "y_scale": -1}]})", "not a positive number");
  says(R"({"version": "1.0.0", "param_encodings": [], "activation_encodings": [
    {"name": "x", "dtype": "INT", "bw": 8, "enc_type": "LPBQ", "is_sym": true, "scale": [1], "offset": [0]}]})",
       "of kind LPBQ are not supported");
  says(R"({"version": "1.0.0", "param_encodings": [], "activation_encodings": [
    {"name": "x", "dtype": "INT", "bw": 8, "enc_type": "PER_TENSOR", "is_sym": false, "scale": [1, 2], "offset": [0]}]})",
       "2 scales and 1 zero points do not fit");
  says(R"({"a": [{"quant_type": "QFLOAT8E4M3FN"}]})", "is not supported");
  says(R"({"a": [{"convert": {}}]})", "'convert' is not supported");
}

}  // namespace
}  // namespace quantize
