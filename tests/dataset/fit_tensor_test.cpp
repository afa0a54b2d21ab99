#include "dataset/fit_tensor.h"

#include <limits>

#include "dataset/golden.h"

namespace quantize {
namespace {

using Proto = onnx::TensorProto;

Tensor array(const std::string& kind) { return read_npy(golden("array_" + kind + ".npy")); }  // 2 x 3: 0 1 2 3 100 127

std::string reason(const Tensor& tensor, ElementType type, const Shape& shape) {
  return error_text([&] { fit_tensor(tensor, type, shape, "x.npy"); });
}

TEST(FitTensor, ConvertsBetweenFloatTypes) {
  for (const char* kind : {"f2", "f4", "f8"}) {
    for (const auto type : {Proto::FLOAT, Proto::FLOAT16, Proto::BFLOAT16, Proto::DOUBLE}) {
      const Tensor tensor = fit_tensor(array(kind), type, {2, 3}, "x.npy");
      EXPECT_EQ(tensor.type, type);
      EXPECT_EQ(float_values(to_proto("", tensor)), (std::vector<float>{0, 1, 2, 3, 100, 127}));
    }
  }
}

TEST(FitTensor, KeepsIntegersAndRefusesToConvertThem) {
  EXPECT_EQ(fit_tensor(array("i8"), Proto::INT64, {2, 3}, "x.npy").bytes, array("i8").bytes);
  EXPECT_EQ(reason(array("i8"), Proto::INT32, {2, 3}), "x.npy: holds int64 values, the model's input takes int32");
  EXPECT_EQ(reason(array("u1"), Proto::FLOAT, {2, 3}), "x.npy: holds uint8 values, the model's input takes float");
  EXPECT_EQ(reason(array("f4"), Proto::UINT8, {2, 3}), "x.npy: holds float values, the model's input takes uint8");
}

TEST(FitTensor, AddsAMissingBatchAndRepeatsIt) {
  EXPECT_EQ(fit_tensor(array("f4"), Proto::FLOAT, {1, 2, 3}, "x.npy").shape, (Shape{1, 2, 3}));
  EXPECT_EQ(fit_tensor(array("f4"), Proto::FLOAT, {-1, -1, 3}, "x.npy").shape, (Shape{1, 2, 3}));
  const Tensor twice = fit_tensor(array("f4"), Proto::FLOAT, {2, 2, 3}, "x.npy");
  EXPECT_EQ(twice.shape, (Shape{2, 2, 3}));
  EXPECT_EQ(float_values(to_proto("", twice)), (std::vector<float>{0, 1, 2, 3, 100, 127, 0, 1, 2, 3, 100, 127}));
}

TEST(FitTensor, TellsBothShapesWhenTheyDiffer) {
  EXPECT_EQ(reason(array("f4"), Proto::FLOAT, {2, 4}), "x.npy: has the shape 2x3, the model's input is 2x4");
  EXPECT_EQ(reason(array("f4"), Proto::FLOAT, {1, 2, 2, 3}), "x.npy: has the shape 2x3, the model's input is 1x2x2x3");
  EXPECT_EQ(reason(array("f4"), Proto::FLOAT, {4, 3}), "x.npy: has the shape 2x3, the model's input is 4x3");  // 2 is no batch of 1
  EXPECT_EQ(reason(array("f4"), Proto::FLOAT, {3}), "x.npy: has the shape 2x3, the model's input is 3");
}

TEST(FitTensor, RefusesNanAndInfinity) {
  for (const double value : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    const auto single = static_cast<float>(value);
    EXPECT_EQ(reason(Tensor::of({1}, std::vector<float>{single}), Proto::FLOAT, {1}), "x.npy: holds NaN or infinity");
    Tensor wide = Tensor::zeros(Proto::DOUBLE, {1});
    wide.as<double>()[0] = value;
    EXPECT_EQ(reason(wide, Proto::FLOAT, {1}), "x.npy: holds NaN or infinity");
    const Tensor narrow = from_proto(make_float_tensor("", {1}, Proto::FLOAT16, std::vector<float>{single}));
    EXPECT_EQ(reason(narrow, Proto::FLOAT16, {1}), "x.npy: holds NaN or infinity");
  }
}

TEST(FitTensor, RefusesValuesTooLargeForTheModel) {
  Tensor wide = Tensor::zeros(Proto::DOUBLE, {1});
  wide.as<double>()[0] = 1e300;
  EXPECT_EQ(fit_tensor(wide, Proto::DOUBLE, {1}, "x.npy").as<double>()[0], 1e300);
  expect_in("too large for the model's input type float", reason(wide, Proto::FLOAT, {1}));
  expect_in("too large for the model's input type float16", reason(Tensor::of({1}, std::vector<float>{1e6F}), Proto::FLOAT16, {1}));
}

}  // namespace
}  // namespace quantize
