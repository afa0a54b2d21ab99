// What a model wants to be fed, as its file says it.
#include "pipeline/open_samples.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

TEST(InputSpecs, AreThoseOfInputsThatNoInitializerFills) {
  const Model model = text_model("g (float[n,3,h,w] x, uint8[2] size) => (float[n,3,h,w] y) <float[1] w = {2}> { y = Mul (x, w) }");
  Model old = model;  // before IR 4 every initializer was an input, too
  old.graph().add_input()->set_name("w");
  for (const Model* one : std::initializer_list<const Model*>{&model, &old}) {
    const auto specs = input_specs(one->graph(), {});
    ASSERT_EQ(specs.size(), 2U);
    EXPECT_EQ(specs[0].name, "x");
    EXPECT_EQ(specs[0].type, onnx::TensorProto::FLOAT);
    EXPECT_EQ(specs[0].shape, (Shape{-1, 3, -1, -1}));
    EXPECT_EQ(specs[1].type, onnx::TensorProto::UINT8);
    EXPECT_EQ(specs[1].shape, Shape{2});
  }
}

TEST(InputSpecs, FreeDimensionsAreFilledIn) {
  const Model model = text_model("g (float[n,3,h,w] x) => (float[n,3,h,w] y) { y = Relu (x) }");
  EXPECT_EQ(input_specs(model.graph(), {1, 3, 8, 16})[0].shape, (Shape{1, 3, 8, 16}));
  EXPECT_THROW(input_specs(model.graph(), {1, 3, 8}), Error) << "another rank";
  EXPECT_THROW(input_specs(model.graph(), {1, 4, 8, 16}), Error) << "another number of channels";
}

}  // namespace
}  // namespace quantize::test
