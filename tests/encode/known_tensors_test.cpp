#include "encode/known_tensors.h"

#include <gtest/gtest.h>

#include "prepare/pass_fixture.h"

namespace quantize::test {
namespace {

constexpr const char* graph = R"(g (uint8[N,3,8,8] p) => (float[N,c] y) <float[4,3,3,3] w> {
  x = Cast <to = 1> (p)
  t = Conv (x, w)
  y = Flatten (t)
})";

void expect_known(const Model& model) {
  const auto known = known_tensors(model);
  EXPECT_EQ(known.floats, (std::set<std::string>{"x", "t", "y", "w"}));
  EXPECT_EQ(known.bytes, std::set<std::string>{"p"});
  EXPECT_EQ(known.images, (std::set<std::string>{"p", "x", "t", "w"}));
}

TEST(KnownTensors, FollowTheInputs) { expect_known(text_model(graph)); }

// A pass gave the weight another shape; the file says what it was before.
TEST(KnownTensors, AClaimThatIsWrongChangesNothing) {
  for (const std::string name : {"w", "t"}) {
    Model model = text_model(graph);
    claim(model, name, {4, 2, 3, 3});
    expect_known(model);
  }
}

}  // namespace
}  // namespace quantize::test
