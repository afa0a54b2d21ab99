#include "run/provider.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "run/fallback_reasons.h"
#include "run/session.h"
#include "support/folder_test.h"
#include "support/run_model.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

// QUANTIZE_CACHE as the test wants it, and as it was afterwards.
class ParseProvider : public FolderTest {
 protected:
  void SetUp() override {
    if (const char* before = std::getenv("QUANTIZE_CACHE")) before_ = before;
    ::setenv("QUANTIZE_CACHE", folder.c_str(), 1);
  }
  void TearDown() override { before_ ? ::setenv("QUANTIZE_CACHE", before_->c_str(), 1) : ::unsetenv("QUANTIZE_CACHE"); }
  void install(const std::string& file) const { write(file, "x"); }
  std::string refusal(const std::string& text) {
    try {
      parse_provider(text);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::usage);
      return error.what();
    }
    return "";
  }

  std::optional<std::string> before_;
};

TEST_F(ParseProvider, NamesLibrariesAndOptions) {
  install("lib/libep.so");
  const auto library = (folder / "lib/libep.so").string();
  const auto provider = parse_provider("mine:" + library + ",a=1,b=x=y");
  EXPECT_EQ(provider.name, "mine");
  EXPECT_EQ(provider.library, library);
  EXPECT_EQ(provider.options, (std::map<std::string, std::string>{{"a", "1"}, {"b", "x=y"}}));
  EXPECT_FALSE(provider.simulated);
  for (const char* cpu : {"cpu", "CPU", "CPUExecutionProvider"}) EXPECT_TRUE(parse_provider(cpu).is_cpu()) << cpu;
  EXPECT_TRUE(parse_provider("CUDAExecutionProvider").library.empty());
}

TEST_F(ParseProvider, MalformedTextIsRefused) {
  EXPECT_NE(refusal("").find("names no provider"), std::string::npos);
  EXPECT_NE(refusal("mine:").find("no library"), std::string::npos);
  EXPECT_NE(refusal("cpu,fast").find("key=value"), std::string::npos);
  EXPECT_NE(refusal("cpu,=1").find("key=value"), std::string::npos);
  EXPECT_NE(refusal("mine:/nowhere/libep.so").find("/nowhere/libep.so"), std::string::npos);
}

TEST_F(ParseProvider, WhatIsNotInstalledNamesTheCommand) {
  EXPECT_NE(refusal("qnn").find("tools/setup.sh --with qnn"), std::string::npos);
  EXPECT_NE(refusal("openvino").find("tools/setup.sh --with openvino"), std::string::npos);
}

TEST_F(ParseProvider, TheInstalledOneIsFoundAndTheNewestOfSeveral) {
  install("onnxruntime-qnn-2.6.0/onnxruntime_qnn/libonnxruntime_providers_qnn.so");
  install("onnxruntime-qnn-2.7.0/onnxruntime_qnn/libonnxruntime_providers_qnn.so");
  EXPECT_EQ(parse_provider("qnn").options.at("htp_arch"), "75");
  const auto provider = parse_provider("qnn,htp_arch=81");
  EXPECT_EQ(provider.library, folder / "onnxruntime-qnn-2.7.0/onnxruntime_qnn/libonnxruntime_providers_qnn.so");
  EXPECT_EQ(provider.options.at("backend_path"), (folder / "onnxruntime-qnn-2.7.0/onnxruntime_qnn/libQnnHtp.so").string());
  EXPECT_EQ(provider.options.at("htp_arch"), "81");
  install("onnxruntime-qnn-2.10.0/onnxruntime_qnn/libonnxruntime_providers_qnn.so");
  EXPECT_EQ(cached_package("onnxruntime-qnn"), folder / "onnxruntime-qnn-2.10.0");
}

TEST_F(ParseProvider, OptionsThatWouldBeIgnoredAreRefused) {
  install("openvino-2026.4.1/openvino/libs/libopenvino_c.so");
  EXPECT_TRUE(parse_provider("openvino").is_openvino());
  EXPECT_NE(refusal("openvino,INFERENCE_PRECISION_HINT=bf16").find("leave them out"), std::string::npos);
}

constexpr const char* tiny = "g (float[1,2,6,6] x) => (float[1,2,6,6] y) <float[2,2,1,1] w> { y = Conv (x, w) }";

TEST(Provider, TheCpuIsOneToo) {
  const Provider cpu;
  const auto model = text_model(tiny);
  const auto inputs = random_inputs(model.proto, 1);
  EXPECT_EQ(largest_difference(Session(model.proto).run(inputs), Session(model.proto, {.provider = &cpu}).run(inputs)), 0);
}

TEST(Provider, OneThatIsNeitherBuiltInNorALibraryIsRefused) {
  const Provider none{"NoSuchExecutionProvider", {}, {}, false};
  try {
    const Session session(text_model(tiny).proto, {.provider = &none});
    FAIL() << "loaded";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("CPUExecutionProvider"), std::string::npos) << error.what();
  }
}

using ProviderFile = FolderTest;

TEST_F(ProviderFile, ThatIsNoPluginIsRefused) {
  const Provider broken{"mine", write("not_a_plugin.so", "no library"), {}, false};
  EXPECT_THROW(Session(text_model(tiny).proto, {.provider = &broken}), Error);
  EXPECT_THROW(Session(text_model(tiny).proto, {.provider = &broken}), Error) << "the second try is refused as the first";
}

TEST(FallbackReasons, AreReadFromTheLog) {
  FallbackReasons reasons;
  reasons.read(
      "Validation FAILED for 2 nodes in OrtNodeUnit (Concat) :\n\tOperator type: DequantizeLinear Node name: dq Node index: 4\n"
      "\tOperator type: Concat Node name: /Concat_1 Node index: 280\n\tREASON : Cannot get shape\n");
  reasons.read("Validation PASSED for 1 nodes in OrtNodeUnit (Conv) :\n\tOperator type: Conv Node name: c Node index: 1\n");
  reasons.read("Validation FAILED for 1 nodes in OrtNodeUnit (Conv) :\n\tOperator type: Conv Node name: d Node index: 1\n");
  EXPECT_EQ(reasons.of("/Concat_1"), "Cannot get shape");
  EXPECT_EQ(reasons.of("dq"), "Cannot get shape");
  EXPECT_EQ(reasons.of("c"), "");
  EXPECT_EQ(reasons.all().size(), 3U);
}

}  // namespace
}  // namespace quantize::test
