#include "base/parallel.h"

#include <gtest/gtest.h>

#include <atomic>

#include "base/error.h"

namespace quantize {
namespace {

TEST(ParallelFor, CallsEveryIndexOnce) {
  Context context;
  context.threads = 4;
  std::vector<std::atomic<int>> calls(100);
  parallel_for(context, calls.size(), [&](std::size_t index, unsigned worker) {
    EXPECT_LT(worker, 4U);
    ++calls[index];
  });
  for (const auto& count : calls) EXPECT_EQ(count, 1);
}

TEST(ParallelFor, RethrowsTheFailureOfTheLowestIndex) {
  Context context;
  context.threads = 3;
  for (int round = 0; round < 20; ++round) {
    try {
      parallel_for(context, 50, [](std::size_t index, unsigned) {
        if (index >= 7) throw Error(ErrorKind::data, std::to_string(index));
      });
      FAIL() << "no exception";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "7");
    }
  }
}

TEST(ParallelFor, StopsWhenAsked) {
  Context context;
  std::stop_source source;
  context.stop = source.get_token();
  int calls = 0;
  EXPECT_THROW(parallel_for(context, 10,
                            [&](std::size_t, unsigned) {
                              if (++calls == 3) source.request_stop();
                            }),
               Error);
  EXPECT_EQ(calls, 3);
}

TEST(ParallelFor, DoesNothingForNoWork) {
  Context context;
  parallel_for(context, 0, [](std::size_t, unsigned) { FAIL(); });
}

}  // namespace
}  // namespace quantize
