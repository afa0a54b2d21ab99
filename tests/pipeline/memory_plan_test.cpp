#include "pipeline/memory_plan.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "encode/plan_fixture.h"
#include "model/payload.h"
#include "pipeline/stages.h"
#include "support/folder_test.h"

namespace quantize::test {
namespace {

constexpr std::uint64_t megabyte = std::uint64_t{1} << 20;

// Groups are fitted one thread each, so that what a fit keeps grows with the threads.
class MemoryPlan : public testing::Test {
 protected:
  MemoryPlan() {
    plan_.model = text_model(R"(g (float[1,256,8,8] x) => (float[1,4,8,8] y) <float[256,64,3,3] w, float[4,256,1,1] u> {
      a = Conv <group = 4, pads = [1,1,1,1]> (x, w)
      y = Conv (a, u)
    })");
    plan_.placement = place(plan_.model, find_target("ort-cpu"));
  }

  void keep(std::uint64_t limit, unsigned threads, Context& context) const {
    context.threads = threads;
    keep_within(limit, plan_, input_, {.level = Level::o1, .evaluated = true}, context);
  }

  Plan plan_;
  OptimizeInput input_{.scheme = scheme_named("w8a8"), .load = {}, .samples = 100, .live_bytes = 8 * megabyte};
};

TEST_F(MemoryPlan, MoreSamplesAtOnceNeedMore) {
  Context one, four;
  four.threads = 4;
  const MemoryUse use{.level = Level::o0};
  const auto few = memory_needs(plan_, input_, use, one), many = memory_needs(plan_, input_, use, four);
  EXPECT_EQ(many.calibration - few.calibration, 3 * few.run);
  EXPECT_EQ(few.optimization, 0U);
  EXPECT_EQ(few.evaluation, 0U) << "there are no pictures to evaluate by";
}

TEST_F(MemoryPlan, PicturesThatAreReadAtOnceCount) {
  Context two;
  two.threads = 2;
  const auto with = [&](std::size_t reading, std::size_t test) {
    return memory_needs(plan_, input_, {.level = Level::o1, .evaluated = true, .reading_bytes = reading, .test_reading_bytes = test}, two);
  };
  const auto none = with(0, 0), both = with(100 * megabyte, 70 * megabyte);
  EXPECT_EQ(both.calibration - none.calibration, 2 * 100 * megabyte);
  EXPECT_EQ(both.optimization - none.optimization, 2 * 100 * megabyte);
  EXPECT_EQ(both.evaluation - none.evaluation, 2 * 70 * megabyte);
}

TEST_F(MemoryPlan, PicturesThatOnlyJudgeDoNotDecideWhatWeightsAreFittedOn) {
  Context small, large;
  keep_within(300 * megabyte, plan_, input_, {.level = Level::o1, .evaluated = true}, small);
  keep_within(300 * megabyte, plan_, input_, {.level = Level::o1, .evaluated = true, .test_reading_bytes = 500 * megabyte}, large);
  EXPECT_EQ(large.working_memory, small.working_memory);
}

// Of a picture of 8 x 8 there are 64 positions and no more to fit on.
TEST_F(MemoryPlan, SmallPicturesGiveFewColumns) {
  Plan larger = plan_;
  larger.model = text_model(R"(g (float[1,256,64,64] x) => (float[1,4,64,64] y) <float[256,64,3,3] w, float[4,256,1,1] u> {
    a = Conv <group = 4, pads = [1,1,1,1]> (x, w)
    y = Conv (a, u)
  })");
  const Context context;
  const auto fit = [&](const Plan& plan) { return optimize_bytes(plan, input_, Level::o1, context); };
  EXPECT_LT(fit(plan_) + 10 * megabyte, fit(larger));
}

TEST_F(MemoryPlan, ThreadsDoNotDecideWhatWeightsAreFittedOn) {
  const std::uint64_t limit = 300 * megabyte;
  Context one, many;
  keep(limit, 1, one);
  keep(limit, 64, many);
  EXPECT_LT(one.working_memory, Context().working_memory);
  EXPECT_EQ(one.working_memory, many.working_memory);
  EXPECT_LT(many.samples_at_once(), 64U);
}

TEST_F(MemoryPlan, TheEstimateUnderALimitStaysBelowIt) {
  const std::uint64_t limit = 300 * megabyte;
  Context context;
  keep(limit, 2, context);
  EXPECT_LE(memory_needs(plan_, input_, {.level = Level::o1, .evaluated = true}, context).peak(), limit);
}

TEST_F(MemoryPlan, TooLittleIsRefusedWithWhatIsNeeded) {
  Context context;
  try {
    keep(20 * megabyte, 1, context);
    FAIL() << "20 MB were taken for enough";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::usage);
    EXPECT_NE(std::string(error.what()).find("--memory-limit 20MB is too little"), std::string::npos) << error.what();
  }
}

// Of the working memory that is left to steps at the least, a small model needs only a part.
TEST_F(MemoryPlan, ALimitThatIsKeptIsTaken) {
  const MemoryUse use{.level = Level::o0, .evaluated = true};
  Context one, other;
  const std::uint64_t need = memory_needs(plan_, input_, use, one).peak();
  EXPECT_LT(need, 130 * megabyte);
  EXPECT_NO_THROW(keep_within(need, plan_, input_, use, one));
  EXPECT_LE(memory_needs(plan_, input_, use, one).peak(), need);
  EXPECT_THROW(keep_within(need - 1, plan_, input_, use, other), Error);
}

TEST_F(MemoryPlan, WhatSensitivityKeepsOfItsSamplesCounts) {
  const Context context;
  const MemoryUse use{.level = Level::o0, .output_bytes = 10 * megabyte, .sensitivity = true};
  EXPECT_EQ(memory_needs(plan_, input_, {.level = Level::o0}, context).sensitivity, 0U);
  const auto needs = memory_needs(plan_, input_, use, context);
  EXPECT_GE(needs.sensitivity, 4 * (2 * input_.live_bytes + use.output_bytes)) << "of four samples";
  EXPECT_GE(needs.peak(), needs.models + needs.sensitivity);
  Context three;
  three.threads = 3;
  EXPECT_GE(memory_needs(plan_, input_, use, three).sensitivity - needs.sensitivity, 2 * needs.run) << "three samples run at once";
}

// Learned rounding is compared with the closed form, and a draw with the best before it: both are plans of their own.
TEST_F(MemoryPlan, AFitThatIsComparedWithAnotherNeedsAModelMore) {
  const Context context;
  const auto models = [&](Level level) {
    return memory_needs(plan_, input_, {.level = level}, context).optimization - optimize_bytes(plan_, input_, level, context);
  };
  EXPECT_EQ(models(Level::o2), models(Level::o1));
  EXPECT_EQ(models(Level::o3) - models(Level::o2), stored_bytes(plan_.model.proto));
}

TEST_F(MemoryPlan, TwoModelsThatAreLoadedAtOnceCount) {
  const auto models = [&](unsigned threads) {
    Context context;
    context.threads = threads;
    const auto needs = memory_needs(plan_, input_, {.level = Level::o1}, context);
    return needs.optimization - optimize_bytes(plan_, input_, Level::o1, context) - 2 * threads * needs.run;
  };
  EXPECT_EQ(models(2) - models(1), 2 * stored_bytes(plan_.model.proto));
  EXPECT_EQ(models(8), models(2)) << "the judge compares two";
}

TEST_F(MemoryPlan, WeightsCountAsTheyArePreparedNotAsTheFileHoldsThem) {
  const auto models = [&] { return memory_needs(plan_, input_, {.level = Level::o0}, Context()).models; };
  const auto before = models();
  EXPECT_GE(before, 2 * stored_bytes(plan_.model.proto)) << "as read and as prepared";
  plan_.model.bytes = stored_bytes(plan_.model.proto) / 2;  // half-precision
  EXPECT_EQ(models(), before);
}

TEST_F(MemoryPlan, OutputsThatDecideWhetherATargetIsReachedCountAsFarAsTheyFit) {
  const MemoryUse use{.level = Level::o1, .deciding = 16, .output_bytes = 150 * megabyte};
  Context context;
  context.working_memory = 1200 * megabyte;
  EXPECT_EQ(deciding_that_fit(use, context), 8U);
  const auto without = memory_needs(plan_, input_, {.level = Level::o1}, context), with = memory_needs(plan_, input_, use, context);
  EXPECT_EQ(with.optimization - without.optimization, 8 * use.output_bytes);

  const std::uint64_t limit = 1000 * megabyte;
  keep_within(limit, plan_, input_, use, context);
  EXPECT_LE(memory_needs(plan_, input_, use, context).peak(), limit);
  EXPECT_LT(deciding_that_fit(use, context), 6U);
  context.working_memory = megabyte;
  EXPECT_EQ(deciding_that_fit(use, context), 2U) << "one says nothing of the spread";
}

// Three pictures that a model of free height and width takes as they are; the largest is neither the first nor the last.
class MixedSizes : public FolderTest {
 protected:
  MixedSizes() {
    picture("a.ppm", 4, 4);
    picture("b.ppm", 8, 6);
    picture("c.ppm", 5, 4);
  }
  void picture(const std::string& name, int width, int height) const {
    const auto size = static_cast<std::size_t>(3 * width * height);
    write("pictures/" + name, "P6 " + std::to_string(width) + " " + std::to_string(height) + " 255\n" + std::string(size, 'x'));
  }
  [[nodiscard]] SampleSource pictures(const Shape& shape) const {
    return SampleSource::open(folder / "pictures", {{"x", onnx::TensorProto::FLOAT, shape}}, {});
  }
};

TEST_F(MixedSizes, TheLargestSampleIsMeasuredWhereSizesAreFree) {
  const SampleSource free = pictures({-1, 3, -1, -1}), none;
  EXPECT_EQ(largest_inputs({free, none, {}}, Context())[0].shape, (Shape{1, 3, 6, 8}));
  const auto [rest, middle] = free.hold_out(0.3);
  ASSERT_EQ(rest.size(), 2U);
  EXPECT_EQ(largest_inputs({rest, middle, {}}, Context())[0].shape, (Shape{1, 3, 4, 5})) << "what judges the result must not change it";
  EXPECT_EQ(largest_inputs({rest, none, {}, middle}, Context())[0].shape, (Shape{1, 3, 6, 8})) << "it decides whether a target is reached";
  EXPECT_EQ(largest_inputs({pictures({-1, 3, 4, 4}), none, {}}, Context())[0].shape, (Shape{1, 3, 4, 4}));
}

TEST_F(MixedSizes, NoMoreSamplesDecideThanHaveTheirOutputsInTheWorkingMemory) {
  quantize::Run run;
  run.plan.model = text_model("g (float[1,3,h,w] x) => (float[1,2,h,w] y) <float[2,3,1,1] u> { y = Conv (x, u) }");
  run.plan.placement = place(run.plan.model, find_target("ort-cpu"));
  run.samples.calibration = pictures({1, 3, -1, -1});
  run.samples.held_out = pictures({1, 3, -1, -1});
  Options options;
  options.level = Level::o0;
  Context context;
  context.working_memory = 2 * sizeof(float) * 2 * 6 * 8;
  budget_run(run, options, context);
  EXPECT_EQ(run.samples.held_out->size(), 2U);
  EXPECT_GE(run.live_bytes, sizeof(float) * 3 * 6 * 8);
}

}  // namespace
}  // namespace quantize::test
