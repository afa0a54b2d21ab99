// The same values as Resize for every way of laying the positions, and only where products are the cheaper way to them.
#include "rewrite/resize_by_products.h"

#include <gtest/gtest.h>

#include "encode/plan_fixture.h"
#include "model/attribute.h"
#include "model/edit.h"

namespace quantize::test {
namespace {

Model resize_model(const std::string& attributes, const std::string& from, const std::vector<std::int64_t>& sizes) {
  Model model = text_model("g (float[" + from + "] x) => (float[N,C,H,W] y) <int64[4] s = {1, 1, 1, 1}> { a = Neg (x) y = Resize <" +
                           attributes + "> (a, , , s) }");
  put_initializer(model.graph(), make_tensor("s", {4}, sizes));
  return model;
}

int replaced(Model model) { return resize_by_products(model); }

TEST(ResizeByProducts, TheSameValuesForEveryWayOfLayingThePositions) {
  for (const std::string positions : {"half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"}) {
    const Model before =
        resize_model("mode = \"linear\", coordinate_transformation_mode = \"" + positions + "\"", "2,3,17,9", {2, 3, 160, 201});
    Model after = before;
    ASSERT_EQ(resize_by_products(after), 1) << positions;
    EXPECT_EQ(operators(after), "Neg ResizeByProducts");
    expect_same_function(before.proto, after.proto, 2e-6);
  }
}

TEST(ResizeByProducts, ScalesThatGiveWholeSizesToo) {
  const char* text = R"(g (float[1,4,20,20] x) => (float[1,4,H,W] y) <float[4] s = {1, 1, 12, FACTOR}> {
    y = Resize <mode = "linear"> (x, , s)
  })";
  const auto with_factor = [&](const std::string& factor) {
    std::string result = text;
    return text_model(result.replace(result.find("FACTOR"), 6, factor));
  };
  const Model before = with_factor("10");
  Model after = before;
  ASSERT_EQ(resize_by_products(after), 1);
  expect_same_function(before.proto, after.proto, 2e-6);
  EXPECT_EQ(replaced(with_factor("10.03")), 0) << "200.6 becomes 200, but the positions follow from 10.03";
}

TEST(ResizeByProducts, OnlyWhereItPays) {
  const std::string linear = "mode = \"linear\"";
  EXPECT_EQ(replaced(resize_model(linear, "1,8,33,33", {1, 8, 257, 257})), 1);
  EXPECT_EQ(replaced(resize_model(linear, "1,8,128,128", {1, 8, 512, 512})), 0) << "160 products for a value";
  EXPECT_EQ(replaced(resize_model(linear, "1,1,33,33", {1, 1, 66, 66})), 0) << "a small result";
  EXPECT_EQ(replaced(resize_model("mode = \"nearest\"", "1,8,33,33", {1, 8, 257, 257})), 0);
  EXPECT_EQ(replaced(resize_model(linear + ", antialias = 1", "1,8,33,33", {1, 8, 257, 257})), 0);
  EXPECT_EQ(replaced(resize_model(linear, "1,8,N,33", {1, 8, 257, 257})), 0) << "a size that is not known";
}

TEST(ResizeByProducts, OnlyFloatsAndOnlyWhereTheDomainIsFree) {
  const Model bytes = text_model(R"(g (uint8[1,8,33,33] x) => (uint8[1,8,257,257] y) <int64[4] s = {1, 8, 257, 257}> {
    y = Resize <mode = "linear"> (x, , , s)
  })");
  EXPECT_EQ(replaced(bytes), 0);
  Model taken = resize_model("mode = \"linear\"", "1,8,33,33", {1, 8, 257, 257});
  auto& import = *taken.proto.add_opset_import();
  import.set_domain("quantize");
  import.set_version(1);
  EXPECT_EQ(replaced(taken), 0);
}

TEST(ResizeByProducts, WhatIsRoundedBehindItKeepsItsExactValues) {
  Model model = text_model(R"(g (float[1,8,33,33] x) => (uint8[1,8,257,257] y)
    <int64[4] s = {1, 8, 257, 257}, float c = {0.1}, uint8 z = {128}> {
    a = Resize <mode = "linear"> (x, , , s)
    y = QuantizeLinear (a, c, z)
  })");
  EXPECT_EQ(resize_by_products(model), 0);
}

}  // namespace
}  // namespace quantize::test
