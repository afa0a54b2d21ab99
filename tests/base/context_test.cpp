#include "base/context.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace quantize {
namespace {

TEST(Context, EachWarningIsKeptAndShownOnce) {
  Context context;
  std::vector<std::string> shown;
  context.log = [&](LogLevel level, std::string_view text) {
    EXPECT_EQ(level, LogLevel::warning);
    shown.emplace_back(text);
  };
  for (const char* text : {"b", "a", "b", "a", "b"}) context.warn(text);
  EXPECT_EQ(context.warnings(), (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(shown, context.warnings());
}

TEST(Context, OtherMessagesAreShownEveryTimeAndNotKept) {
  Context context;
  int shown = 0;
  context.log = [&](LogLevel, std::string_view) { ++shown; };
  for (int i = 0; i < 2; ++i) {
    context.info("a");
    context.debug("a");
  }
  EXPECT_EQ(shown, 4);
  EXPECT_TRUE(context.warnings().empty());
}

TEST(Context, WithoutListenersEverythingStillWorks) {
  Context context;
  context.warn("a");
  context.info("b");
  const auto progress = context.step("step", 3);
  ASSERT_NE(progress, nullptr);
  progress->tick();
  EXPECT_EQ(context.warnings().size(), 1U);
}

TEST(Context, AProgressFunctionThatDeclinesIsReplaced) {
  Context context;
  context.progress = [](std::string_view, std::size_t) { return nullptr; };
  EXPECT_NE(context.step("step", 3), nullptr);
}

TEST(Context, StopsOnlyWhenAsked) {
  Context context;
  std::stop_source source;
  context.stop = source.get_token();
  EXPECT_NO_THROW(context.check_stop());
  source.request_stop();
  try {
    context.check_stop();
    FAIL() << "no exception";
  } catch (const Error& error) {
    EXPECT_EQ(error.exit_code(), 130);
  }
}

}  // namespace
}  // namespace quantize
