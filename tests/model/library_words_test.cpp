#include "model/library_words.h"

#include <gtest/gtest.h>

#include "run/session.h"
#include "support/error_text.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

std::string refusal_of(const Model& model) {
  const auto text = error_text(
      [&] {
        check_model(model.proto, "a.onnx");
        const Session session(model.proto);
      },
      ErrorKind::model);
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  return text;
}

struct Invalid {
  const char* name;
  const char* graph;
  const char* node;
  const char* word;
};

class LibraryWords : public testing::TestWithParam<Invalid> {};

// What each library says changes from version to version; that the node and the matter are named must not.
TEST_P(LibraryWords, NameTheNode) {
  const auto text = refusal_of(text_model(GetParam().graph));
  EXPECT_NE(text.find(GetParam().node), std::string::npos) << text;
  EXPECT_NE(text.find(GetParam().word), std::string::npos) << text;
  EXPECT_EQ(text.find("onnxruntime_src"), std::string::npos) << text;
}

INSTANTIATE_TEST_SUITE_P(
    Refused, LibraryWords,
    testing::Values(
        Invalid{"MissingInput", "g (float[2] x) => (float[2] y) { [lost] y = Relu (nowhere) }", "Relu 'lost'", "nowhere"},
        Invalid{"UnknownOperator", "g (float[2] x) => (float[2] y) { [odd] y = Frobnicate (x) }", "Frobnicate 'odd'", "Frobnicate"},
        Invalid{"UnknownAttribute", "g (float[2] x) => (float[2] y) { [bent] y = Relu <angle = 3> (x) }", "Relu 'bent'", "angle"},
        Invalid{"NodeWithoutName", "g (float[2] x) => (float[2] y) { y = Relu <angle = 3> (x) }", "Relu (output 'y')", "angle"},
        Invalid{"TooFewInputs", "g (float[1,2,4,4] x) => (float[1,2,4,4] y) { [thin] y = Conv (x) }", "Conv 'thin'", "input"},
        Invalid{"ShapesThatDoNotFit", "g (float[2,3] x) => (float[2,5] y) <float[4,5] w> { [wide] y = MatMul (x, w) }", "MatMul 'wide'",
                "dimensions"},
        Invalid{"TypesThatDoNotFit", "g (float[2] x, int64[2] i) => (float[2] y) { [mixed] y = Add (x, i) }", "Add 'mixed'", "int64"},
        Invalid{"NoKernel", "g (double[1,2,4,4] x) => (double[1,2,4,4] y) <double[2,2,1,1] w> { [fine] y = Conv (x, w) }", "Conv 'fine'",
                "implementation"}),
    [](const auto& row) { return row.param.name; });

TEST(LibraryWordsText, WithoutANodeItIsTheTextOnOneLine) {
  EXPECT_EQ(plain_words("[ONNXRuntimeError] : 1 : FAIL : something\n  is wrong\n", onnx::GraphProto()), "something is wrong");
}

}  // namespace
}  // namespace quantize::test
