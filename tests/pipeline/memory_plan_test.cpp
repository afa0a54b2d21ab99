#include "pipeline/memory_plan.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "encode/plan_fixture.h"

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
    keep_within(limit, plan_, input_, Level::o1, true, context);
  }

  Plan plan_;
  OptimizeInput input_{.scheme = scheme_named("w8a8"), .load = {}, .samples = 100, .live_bytes = 8 * megabyte};
};

TEST_F(MemoryPlan, MoreSamplesAtOnceNeedMore) {
  Context one, four;
  four.threads = 4;
  const auto few = memory_needs(plan_, input_, Level::o0, false, one), many = memory_needs(plan_, input_, Level::o0, false, four);
  EXPECT_EQ(many.calibration - few.calibration, 3 * few.run);
  EXPECT_EQ(few.optimization, 0U);
  EXPECT_EQ(few.evaluation, 0U) << "there are no pictures to evaluate by";
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
  EXPECT_LE(memory_needs(plan_, input_, Level::o1, true, context).peak(), limit);
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

}  // namespace
}  // namespace quantize::test
