#include "prepare/parity.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "model/edit.h"
#include "support/run_model.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

using Sets = std::vector<std::vector<Tensor>>;

Sets one_set(std::vector<float> values) {
  const auto size = std::ssize(values);
  return {{Tensor::of({size}, values)}};
}

TEST(ParityCheck, DifferenceIsRelativeToTheRangeOfTheOutput) {
  const Sets inputs = one_set({-1, 0, 3});
  ParityCheck check(text_model("g (float[3] x) => (float[3] y) { y = Identity (x) }").proto, inputs, {});
  const auto parity = check.measure(text_model("g (float[3] x) => (float[3] y) <float d = {0.5}> { y = Add (x, d) }").proto);
  EXPECT_DOUBLE_EQ(parity.difference, 0.5 / 4);
  EXPECT_EQ(parity.output, "y");
  EXPECT_FALSE(parity.same);
}

TEST(ParityCheck, RoundingIsTheSame) {
  const Sets inputs = one_set({-1, 0, 3});
  ParityCheck check(text_model("g (float[3] x) => (float[3] y) { y = Identity (x) }").proto, inputs, {});
  const auto parity = check.measure(text_model("g (float[3] x) => (float[3] y) <float d = {0.0001}> { y = Add (x, d) }").proto);
  EXPECT_GT(parity.difference, 0);
  EXPECT_TRUE(parity.same);
}

TEST(ParityCheck, NamesTheWorstOutput) {
  const Sets inputs = one_set({-1, 1});
  ParityCheck check(text_model("g (float[2] x) => (float[2] y, float[2] z) { y = Identity (x)  z = Identity (x) }").proto, inputs, {});
  EXPECT_EQ(check.measure(text_model("g (float[2] x) => (float[2] y, float[2] z) { y = Identity (x)  z = Neg (x) }").proto).output, "z");
}

TEST(ParityCheck, ConstantOutputIsMeasuredByAHundredthOfItsSize) {
  const Sets inputs = one_set({4});
  ParityCheck check(text_model("g (float[1] x) => (float[1] y) { y = Identity (x) }").proto, inputs, {});
  EXPECT_DOUBLE_EQ(check.measure(text_model("g (float[1] x) => (float[1] y) { y = Add (x, x) }").proto).difference, 100);
}

// Which of two channels is the greater, in eight places.
double class_map_difference(const std::vector<float>& loaded, const std::vector<float>& measured) {
  const Sets inputs = one_set({1, 1, 1, 1, 1, 1, 1, 1});
  const auto with_channel = [](const std::vector<float>& other) {
    Model model = text_model(R"(g (float[8] x) => (int64[8] y) <float[1,8] b, int64[2] shape = {1, 8}> {
      a = Reshape (x, shape)
      t = Concat <axis = 0> (a, b)
      y = ArgMax <axis = 0, keepdims = 0> (t)
    })");
    put_initializer(model.graph(), make_tensor("b", {1, 8}, other));
    return model;
  };
  ParityCheck check(with_channel(loaded).proto, inputs, {});
  return check.measure(with_channel(measured).proto).difference;
}

TEST(ParityCheck, ClassMapsAreMeasuredByTheShareThatDiffers) {
  EXPECT_DOUBLE_EQ(class_map_difference({0, 2, 0, 2, 0, 2, 0, 2}, {2, 0, 0, 2, 0, 2, 0, 2}), 0.25);
}

TEST(ParityCheck, OneElementMayBeATie) { EXPECT_EQ(class_map_difference({0, 2, 0, 2, 0, 2, 0, 2}, {2, 2, 0, 2, 0, 2, 0, 2}), 0); }

// A depth map of 16 bits: half of the values are one lower, which is nothing; then they are a tenth of the range lower.
TEST(ParityCheck, IntegersThatAreMeasurementsAreMeasuredByTheirDistance) {
  const auto depth = [](const std::string& below) {
    return text_model("g (float[4] x) => (uint16[4] y) <float[4] d = {0, " + below + ", 0, " + below +
                      "}> { t = Sub (x, d)  y = Cast <to = 4> (t) }");
  };
  const Sets inputs = one_set({0, 50000, 20000, 30000});
  ParityCheck check(depth("0").proto, inputs, {});
  const auto one_lower = check.measure(depth("1").proto);
  EXPECT_DOUBLE_EQ(one_lower.difference, 0.5 / 50000);
  EXPECT_TRUE(one_lower.same);
  EXPECT_FALSE(check.measure(depth("5000").proto).same);
}

TEST(ParityCheck, AnOnlyElementMustNotDiffer) {
  const Sets inputs = one_set({3});
  ParityCheck check(text_model("g (float[1] x) => (int32[1] y) { y = Cast <to = 6> (x) }").proto, inputs, {});
  EXPECT_FALSE(check.measure(text_model("g (float[1] x) => (int32[1] y) { t = Neg (x)  y = Cast <to = 6> (t) }").proto).same);
}

TEST(ParityCheck, OtherShapeIsInfinitelyFar) {
  const Sets inputs = one_set({1, 2});
  ParityCheck check(text_model("g (float[2] x) => (float[N] y) { y = Identity (x) }").proto, inputs, {});
  EXPECT_TRUE(std::isinf(check.measure(text_model("g (float[2] x) => (float[N] y) { y = Concat <axis = 0> (x, x) }").proto).difference));
}

TEST(ParityCheck, NanInTheNewModelIsInfinitelyFar) {
  const Sets inputs = one_set({-1, 2});
  ParityCheck check(text_model("g (float[2] x) => (float[2] y) { y = Identity (x) }").proto, inputs, {});
  EXPECT_FALSE(check.measure(text_model("g (float[2] x) => (float[2] y) { y = Sqrt (x) }").proto).same);
}

TEST(ParityCheck, NanInTheLoadedModelIsRefused) {
  const Sets inputs = one_set({-1, 2});
  try {
    ParityCheck check(text_model("g (float[2] x) => (float[2] y, float[2] z) { y = Identity (x)  z = Sqrt (x) }").proto, inputs, {});
    static_cast<void>(check.reference());
    FAIL() << "was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::numeric);
    EXPECT_NE(std::string(error.what()).find("'z'"), std::string::npos) << error.what();
  }
}

TEST(ParityCheck, HalfAndDoubleOutputs) {
  for (const std::string type : {"float16", "double"}) {
    const std::string head = "g (" + type + "[3] x) => (" + type + "[3] y) ";
    const Model model = text_model(head + "{ y = Identity (x) }");
    const Sets inputs = {random_inputs(model.proto)};
    ParityCheck check(model.proto, inputs, {});
    EXPECT_TRUE(check.measure(text_model(head + "{ y = Identity (x) }").proto).same) << type;
    EXPECT_FALSE(check.measure(text_model(head + "{ y = Neg (x) }").proto).same) << type;
    EXPECT_EQ(check.tolerance(), type == "double" ? 1e-4 : 1e-2);
  }
}

// 0.55 and its neighbour in half precision: 9 % of a range of a hundredth of that.
TEST(ParityCheck, AHalfOutputThatHardlyVariesMayMoveByALastPlace) {
  const auto constant = [](const std::string& value) {
    return text_model("g (float16[3] x) => (float16[3] y) <float value = {" + value +
                      "}> { z = Sub (x, x)  v = Cast <to = 10> (value)  y = Add (z, v) }");
  };
  const Model model = constant("0.55"), next = constant("0.5506"), other = constant("0.56");
  const Sets inputs = {random_inputs(model.proto)};
  ParityCheck check(model.proto, inputs, {});
  EXPECT_TRUE(check.measure(next.proto).same);
  EXPECT_FALSE(check.measure(other.proto).same);
}

}  // namespace
}  // namespace quantize::test
