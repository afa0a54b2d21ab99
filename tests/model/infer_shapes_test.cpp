#include "model/infer_shapes.h"

#include <gtest/gtest.h>

#include "model/tensor.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

// ONNX 1.19 reads behind the end of the strides there.
TEST(InferShapes, NothingFollowsFromAConvolutionOfAnotherRankThanItsInput) {
  for (const int opset : {10, 13, 22}) {
    Model model = text_model("g (float[1,4,8] x) => (float[1,4,8] y) <float[4,4,1,1] w> { a = Conv (x, w)  y = Relu (a) }", opset);
    infer_shapes(model.proto, false);
    EXPECT_EQ(model.graph().value_info_size(), 0) << opset;
  }
}

TEST(InferShapes, OthersAreInferredAsByOnnx) {
  Model model = text_model(R"(g (float[1,4,8,8] x) => (float[1,6,3,3] y) <float[6,4,3,3] w> {
    a = Conv <strides = [2,2]> (x, w)
    y = Relu (a)
  })");
  infer_shapes(model.proto, false);
  ASSERT_EQ(model.graph().value_info_size(), 1);
  EXPECT_EQ(shape_of(model.graph().value_info(0).type().tensor_type().shape()), Shape({1, 6, 3, 3}));
}

}  // namespace
}  // namespace quantize::test
