#include <gtest/gtest.h>

#include <algorithm>

#include "evaluate/evaluate.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

// What is no tensor is in no sum of them.
TEST(SizesByKind, CountTensorsButNotTheNodesOfTheGraph) {
  const Model model = text_model("g (float[1,4] x) => (float[1,4] y) <float[4,4] w> { a = MatMul (x, w) y = Relu (a) }");
  const auto sizes = sizes_by_kind(model.proto, model.proto);
  const auto tensors = [&](const std::string& kind) {
    const auto row = std::ranges::find(sizes, kind, &SizeOfKind::kind);
    return row == sizes.end() ? -1 : row->tensors;
  };
  EXPECT_EQ(tensors("float weights"), 1);
  EXPECT_EQ(tensors("graph"), 0);
}

}  // namespace
}  // namespace quantize::test
