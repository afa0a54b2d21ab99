#include "observe/calibrate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <set>

#include "base/error.h"
#include "support/run_model.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

constexpr const char* graph = R"(g (float[1,2,2,2] x) => (float[1,2,2,2] y) {
  t = Relu (x)
  y = Neg (t)
})";

// Sample i: channel 0 holds i+1 and negatives, channel 1 a constant.
std::vector<Tensor> sample(std::size_t i) {
  const auto value = static_cast<float>(i + 1);
  return {Tensor::of({1, 2, 2, 2}, std::vector<float>{value, -value, 2 * value, -1, 0.5F, 0.5F, 0.5F, 0.5F})};
}

TEST(Calibrate, KnownTensors) {
  const std::vector<std::string> tensors = {"x", "t"};
  const auto statistics = calibrate(text_model(graph), tensors, sample, 3, Context());
  ASSERT_EQ(statistics.size(), 2U);  // y was not asked for
  const auto &x = statistics.at("x"), &t = statistics.at("t");
  EXPECT_EQ(x.count, 24U);
  EXPECT_EQ(x.min, -3.0F);
  EXPECT_EQ(x.max, 6.0F);
  EXPECT_EQ(t.min, 0.0F);
  EXPECT_EQ(t.max, 6.0F);
  EXPECT_EQ(t.histogram.exponent(), 3);
  EXPECT_EQ(t.histogram.total(), 24U);
  EXPECT_EQ(t.histogram.counts()[2048], 6U);  // two clamped values in each sample
  EXPECT_EQ(t.histogram.counts()[2048 + 2048 * 6 / 8], 1U);
  ASSERT_EQ(x.channels.size(), 2U);
  EXPECT_EQ(x.channels[0].count, 12U);
  EXPECT_EQ(x.channels[0].min, -3.0F);
  EXPECT_EQ(x.channels[0].max, 6.0F);
  EXPECT_EQ(x.channels[1].min, 0.5F);
  EXPECT_EQ(x.channels[1].max, 0.5F);
}

// Channels next to each other, as of tokens, and each in a plane of its own.
TEST(Calibrate, RowsOfChannelsAreSeenAsPlanesAre) {
  const Model model = text_model(R"(g (float[7,5] x) => (float[1,5,7] y) <int64[1] first = {0}> {
    t = Transpose <perm = [1,0]> (x)
    y = Unsqueeze (t, first)
  })");
  const LoadSample load = [&](std::size_t i) { return random_inputs(model.proto, static_cast<std::uint32_t>(i)); };
  const std::vector<std::string> tensors = {"x", "y"};
  const auto statistics = calibrate(model, tensors, load, 3, Context());
  const auto &rows = statistics.at("x"), &planes = statistics.at("y");
  EXPECT_EQ(rows.min, planes.min);
  EXPECT_EQ(rows.max, planes.max);
  ASSERT_EQ(rows.channels.size(), 5U);
  for (std::size_t c = 0; c < 5; ++c) {
    EXPECT_EQ(rows.channels[c].count, 21U);
    EXPECT_EQ(rows.channels[c].min, planes.channels[c].min);
    EXPECT_EQ(rows.channels[c].max, planes.channels[c].max);
  }
}

void expect_same(const TensorStatistics& a, const TensorStatistics& b) {
  EXPECT_EQ(a.count, b.count);
  EXPECT_EQ(a.min, b.min);
  EXPECT_EQ(a.max, b.max);
  EXPECT_EQ(a.histogram.exponent(), b.histogram.exponent());
  EXPECT_TRUE(std::ranges::equal(a.histogram.counts(), b.histogram.counts()));
  ASSERT_EQ(a.channels.size(), b.channels.size());
  for (std::size_t c = 0; c < a.channels.size(); ++c) {
    EXPECT_EQ(a.channels[c].count, b.channels[c].count);
    EXPECT_EQ(a.channels[c].min, b.channels[c].min);
    EXPECT_EQ(a.channels[c].max, b.channels[c].max);
  }
}

TEST(Calibrate, DoesNotDependOnTheNumberOfThreads) {
  const Model model = text_model(R"(g (float[1,3,40,50] x) => (float[1,8,40,50] y) <float[8,3,3,3] w> {
    c = Conv <pads = [1,1,1,1]> (x, w)
    y = Sigmoid (c)
  })");
  const std::vector<std::string> tensors = {"x", "c", "y"};
  const auto load = [&](std::size_t i) {
    auto inputs = random_inputs(model.proto, static_cast<std::uint32_t>(i));
    for (auto& value : inputs[0].as<float>()) value *= static_cast<float>(i * i);  // every sample widens the range
    return inputs;
  };
  Context one, four;
  four.threads = 4;
  const auto a = calibrate(model, tensors, load, 12, one), b = calibrate(model, tensors, load, 12, four);
  for (const auto& tensor : tensors) expect_same(a.at(tensor), b.at(tensor));
}

TEST(Calibrate, TensorsThatAreAlwaysZeroAreNoProblem) {
  const auto zero = [](std::size_t) { return std::vector<Tensor>{Tensor::zeros(onnx::TensorProto::FLOAT, {1, 2, 2, 2})}; };
  const std::vector<std::string> tensors = {"t"};
  const auto statistics = calibrate(text_model(graph), tensors, zero, 2, Context());
  EXPECT_EQ(statistics.at("t").max, 0.0F);
  EXPECT_EQ(statistics.at("t").histogram.counts()[2048], 16U);
}

TEST(Calibrate, LargeTensorsAreSubsampledButTheirExtremesAreExact) {
  const Model model = text_model("g (float[1,1,512,1024] x) => (float[1,1,512,1024] y) { y = Neg (x) }");
  const auto load = [](std::size_t) {
    std::vector<float> values(512 * 1024, 1.0F);
    values[123457] = -9.0F;
    return std::vector<Tensor>{Tensor::of({1, 1, 512, 1024}, values)};
  };
  const std::vector<std::string> tensors = {"x"};
  const auto statistics = calibrate(model, tensors, load, 1, Context());
  const auto& x = statistics.at("x");
  EXPECT_EQ(x.min, -9.0F);
  EXPECT_EQ(x.count, 512U * 1024U);
  EXPECT_NEAR(static_cast<double>(x.histogram.total()), 65536, 64);
}

TEST(Calibrate, NanActivationIsNamed) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const auto load = [bad](std::size_t i) {
      auto inputs = sample(i);
      if (i == 1) inputs[0].as<float>()[2] = bad;
      return inputs;
    };
    const std::vector<std::string> tensors = {"x"};
    try {
      calibrate(text_model(graph), tensors, load, 3, Context());
      FAIL() << "no exception";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::numeric);
      EXPECT_NE(std::string(error.what()).find("'x'"), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("in one sample so far"), std::string::npos) << error.what();
    }
  }
}

TEST(Calibrate, NothingToObserveIsNothingToRun) {
  const auto never = [](std::size_t) -> std::vector<Tensor> { throw Error(ErrorKind::data, "asked for"); };
  EXPECT_TRUE(calibrate(text_model(graph), {}, never, 3, Context()).empty());
}

TEST(Calibrate, AFailingSampleIsReported) {
  const auto broken = [](std::size_t) -> std::vector<Tensor> { throw Error(ErrorKind::data, "no such picture"); };
  const std::vector<std::string> tensors = {"x"};
  EXPECT_THROW(calibrate(text_model(graph), tensors, broken, 3, Context()), Error);
}

TEST(CalibrateAndCompare, SamplesThatWereSeenDoNotRunAgain) {
  const Model model = text_model(graph);
  const std::vector<std::string> tensors = {"x", "t"};
  const auto whole = calibrate_and_compare(model, tensors, sample, 20, Context());
  Seen seen;
  for (const std::size_t i : {3, 7, 17}) {
    merge(seen.statistics, calibrate(
                               model, tensors, [i](std::size_t) { return sample(i); }, 1, Context()));
    seen.samples.insert(i);
  }
  std::mutex mutex;
  std::set<std::size_t> run;
  const auto watched = [&](std::size_t i) {
    const std::lock_guard lock(mutex);
    run.insert(i);
    return sample(i);
  };
  const auto rest = calibrate_and_compare(model, tensors, watched, 20, Context(), seen);
  EXPECT_EQ(run.size(), 17U);
  for (const std::size_t i : seen.samples) EXPECT_FALSE(run.contains(i));
  for (const auto& tensor : tensors) {
    expect_same(rest.all.at(tensor), whole.all.at(tensor));
    expect_same(rest.before_last_tenth.at(tensor), whole.before_last_tenth.at(tensor));
  }
}

}  // namespace
}  // namespace quantize::test
