#include "pipeline/output_axis.h"

#include <gtest/gtest.h>

#include "support/text_model.h"

namespace quantize::test {
namespace {

// Of a model from pictures, channels first, to scores with their channels last.
ClassAxis axis_of(const std::string& declared_input, const std::string& declared_output, Shape picture = {1, 3, 12, 16}) {
  const Model model = text_model("g (float" + declared_input + " x) => (float" + declared_output +
                                 " y) <float[5,3,1,1] w> { a = Conv (x, w)  y = Transpose <perm = [0,2,3,1]> (a) }");
  const Shape input = shape_of(model.graph().input(0).type().tensor_type().shape());
  const std::vector<Tensor> inputs = {Tensor::zeros(onnx::TensorProto::FLOAT, std::move(picture))};
  return output_axis(model.proto, input, Layout::automatic, inputs);
}

TEST(OutputAxis, IsFoundWhateverTheModelDeclares) {
  EXPECT_EQ(axis_of("[1,3,12,16]", "[1,12,16,5]"), ClassAxis::last);
  EXPECT_EQ(axis_of("[1,3,12,16]", "[n,h,w,5]"), ClassAxis::last) << "it follows from the input";
  EXPECT_EQ(axis_of("[n,3,12,16]", "[]"), ClassAxis::last) << "nothing is declared";
  EXPECT_EQ(axis_of("[n,3,h,w]", "[n,h,w,5]"), ClassAxis::last) << "only a run tells";
  EXPECT_EQ(axis_of("[n,3,h,w]", "[]"), ClassAxis::last);
  EXPECT_EQ(axis_of("[n,3,h,w]", "[]", {1, 3, 5, 5}), ClassAxis::first) << "as many classes as pixels in a row: as the input";
}

TEST(OutputAxis, ALineStaysOne) {
  const Model model = text_model("g (float[n,12,l] x) => (float[n,12,l] y) { y = Relu (x) }");
  const std::vector<Tensor> inputs = {Tensor::zeros(onnx::TensorProto::FLOAT, {1, 12, 40})};
  EXPECT_EQ(output_axis(model.proto, {-1, 12, -1}, Layout::automatic, inputs), ClassAxis::line);
}

// The model is told to take the bytes of a camera, the file's shape is the one that counts.
TEST(OutputAxis, OfPicturesThatComeWithTheirChannelsLast) {
  const Model model = text_model(
      "g (float[n,h,w,3] x) => (float[] y) <float[5,3,1,1] w> { t = Transpose <perm = [0,3,1,2]> (x)  a = Conv (t, w)  "
      "y = Transpose <perm = [0,2,3,1]> (a) }");
  const std::vector<Tensor> inputs = {Tensor::zeros(onnx::TensorProto::FLOAT, {1, 12, 16, 3})};
  EXPECT_EQ(output_axis(model.proto, {-1, 3, -1, -1}, Layout::automatic, inputs), ClassAxis::last);
}

}  // namespace
}  // namespace quantize::test
