#include "model/attribute.h"

#include <gtest/gtest.h>

#include "support/text_model.h"

namespace quantize::test {
namespace {

TEST(Attributes, ReadSetAndRemove) {
  Model model = text_model("g (float[1,1,4,4] x) => (float[1,1,2,2] y) { y = MaxPool <kernel_shape = [2,2], strides = [2,2]> (x) }");
  auto& node = *model.graph().mutable_node(0);
  EXPECT_EQ(ints_attribute(node, "strides"), (std::vector<std::int64_t>{2, 2}));
  EXPECT_EQ(ints_attribute(node, "pads", {7}), (std::vector<std::int64_t>{7}));
  EXPECT_EQ(string_attribute(node, "auto_pad", "NOTSET"), "NOTSET");
  set_attribute(node, "auto_pad", std::string("VALID"));
  set_attribute(node, "auto_pad", std::string("SAME_UPPER"));
  EXPECT_EQ(string_attribute(node, "auto_pad", ""), "SAME_UPPER");
  set_attribute(node, "ceil_mode", std::int64_t{1});
  EXPECT_EQ(int_attribute(node, "ceil_mode", 0), 1);
  remove_attribute(node, "ceil_mode");
  EXPECT_EQ(find_attribute(node, "ceil_mode"), nullptr);
  EXPECT_EQ(float_attribute(node, "alpha", 0.25F), 0.25F);
  EXPECT_EQ(node.attribute_size(), 3);
}

}  // namespace
}  // namespace quantize::test
