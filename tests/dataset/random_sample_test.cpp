#include "dataset/random_sample.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "dataset/sample_source.h"

namespace quantize {
namespace {

using Proto = onnx::TensorProto;

TEST(RandomTensor, IsDecidedBySeedAndName) {
  const auto draw = [](std::uint64_t seed, const char* name) {
    return random_tensor({-1, 3, 8, 10}, Proto::FLOAT, Preprocess::named("imagenet"), seed, name);
  };
  EXPECT_EQ(draw(1, "a").shape, (Shape{1, 3, 8, 10}));
  EXPECT_EQ(draw(1, "a").bytes, draw(1, "a").bytes);
  EXPECT_NE(draw(1, "a").bytes, draw(2, "a").bytes);
  EXPECT_NE(draw(1, "a").bytes, draw(1, "b").bytes);
}

TEST(RandomTensor, PicturesGoThroughThePreProcessing) {
  const Tensor unit = random_tensor({1, 32, 32, 3}, Proto::FLOAT, Preprocess::named("unit"), 0, "x");
  const auto [low, high] = std::minmax_element(unit.as<float>().begin(), unit.as<float>().end());
  EXPECT_GE(*low, 0.0F);
  EXPECT_LE(*high, 1.0F);
  EXPECT_GT(*high - *low, 0.5F);
}

TEST(RandomTensor, OtherInputsAreNormalOrSmallIntegers) {
  const Tensor values = random_tensor({4, 1000}, Proto::FLOAT, Preprocess{}, 0, "x");
  double sum = 0, squares = 0;
  for (const float value : values.as<float>()) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  EXPECT_NEAR(sum / 4000, 0, 0.08);
  EXPECT_NEAR(squares / 4000, 1, 0.1);
  const auto indices = random_tensor({50}, Proto::INT64, Preprocess{}, 0, "i");
  EXPECT_TRUE(std::all_of(indices.as<std::int64_t>().begin(), indices.as<std::int64_t>().end(), [](auto i) { return i == 0 || i == 1; }));
}

TEST(RandomTensor, FreeDimensionsAreAskedFor) {
  try {
    (void)random_tensor({1, 3, -1, -1}, Proto::FLOAT, Preprocess{}, 0, "x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("--input-shape"), std::string::npos);
  }
}

TEST(RandomSampleSource, IsAskedForByName) {
  const std::vector<InputSpec> inputs{{"image", Proto::FLOAT, {1, 3, 4, 4}}, {"flag", Proto::BOOL, {1}}};
  const auto source = SampleSource::open("random", inputs, Preprocess{}, 5);
  EXPECT_TRUE(source.is_random());
  EXPECT_EQ(source.size(), 100U);
  const auto few = source.evenly(4).readable([](const std::string&) { FAIL(); });
  EXPECT_EQ(few.size(), 4U);
  EXPECT_EQ(few.load(0).inputs.size(), 2U);
  EXPECT_EQ(few.load(3).inputs[0].bytes, few.load(3).inputs[0].bytes);
  EXPECT_NE(few.load(3).inputs[0].bytes, few.load(2).inputs[0].bytes);
  EXPECT_EQ(few.fingerprint(), SampleSource::open("random", inputs, Preprocess{}, 5).evenly(4).fingerprint());
  EXPECT_NE(few.fingerprint(), SampleSource::open("random", inputs, Preprocess{}, 6).evenly(4).fingerprint());
  EXPECT_THROW((void)SampleSource::open("./random", inputs, Preprocess{}), Error);
}

}  // namespace
}  // namespace quantize
