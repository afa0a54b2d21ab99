#include "formats/statistics_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "support/error_text.h"

namespace quantize {
namespace {

// What one sample of a tensor with two channels leaves behind.
TensorStatistics seen(std::initializer_list<float> first, std::initializer_list<float> second) {
  TensorStatistics tensor;
  for (const auto& values : {first, second}) {
    ChannelStatistics channel;
    for (const float value : values) {
      ++channel.count;
      channel.min = std::min(channel.min, value), channel.max = std::max(channel.max, value);
    }
    tensor.count += channel.count;
    tensor.min = std::min(tensor.min, channel.min), tensor.max = std::max(tensor.max, channel.max);
    tensor.histogram.cover(std::max(std::fabs(channel.min), std::fabs(channel.max)));
    tensor.histogram.add(values);
    tensor.channels.push_back(channel);
  }
  return tensor;
}

StatisticsFile part(std::size_t shard, std::size_t count, TensorStatistics tensor) {
  StatisticsFile file;
  file.origin = {std::string(32, 'a'), std::string(32, 'b'), std::string(32, 'c'), {{"scheme", "w8a8"}}};
  file.samples = 1;
  file.shards = {shard};
  file.shard_count = count;
  file.statistics["x"] = std::move(tensor);
  return file;
}

std::string refusal(const std::function<void()>& work) { return test::error_text(work, ErrorKind::data); }

TEST(StatisticsFile, ReadsBackWhatItWrote) {
  const auto file = part(1, 1, seen({0.1F, -3.25F}, {1e-30F, 7e20F}));
  const auto text = write_statistics(file);
  const auto back = read_statistics(text, "s.json");
  EXPECT_EQ(write_statistics(back), text);
  const auto &before = file.statistics.at("x"), &after = back.statistics.at("x");
  EXPECT_EQ(after.min, before.min);
  EXPECT_EQ(after.max, before.max);
  EXPECT_EQ(after.histogram.exponent(), before.histogram.exponent());
  EXPECT_TRUE(std::equal(after.histogram.counts().begin(), after.histogram.counts().end(), before.histogram.counts().begin()));
  EXPECT_EQ(after.channels[0].min, before.channels[0].min);
  EXPECT_EQ(after.channels[1].count, before.channels[1].count);
}

TEST(StatisticsFile, WritesFloatsWithTheFewestDigits) {
  const auto text = write_statistics(part(1, 1, seen({0.1F}, {0.3F})));
  EXPECT_NE(text.find("\"min\":0.1,\"max\":0.3"), std::string::npos) << text;
}

TEST(StatisticsFile, AnEmptyShardHasNoExtremes) {
  const auto back = read_statistics(write_statistics(part(1, 1, {})), "s.json");
  EXPECT_EQ(back.statistics.at("x").min, std::numeric_limits<float>::infinity());
  EXPECT_EQ(back.statistics.at("x").count, 0U);
}

TEST(StatisticsFile, ShardsMergeToTheSameBytesInAnyOrder) {
  const auto a = seen({1, 2}, {-3}), b = seen({0.001F}, {500}), c = seen({-0.5F}, {1e-9F});
  auto whole = part(1, 1, a);
  whole.samples = 3;
  whole.statistics["x"].merge(b);
  whole.statistics["x"].merge(c);
  auto one = part(3, 3, c), other = part(2, 3, b);
  merge(one, part(1, 3, a), "a");
  EXPECT_FALSE(one.complete());
  merge(one, part(2, 3, b), "b");
  EXPECT_TRUE(one.complete());
  EXPECT_EQ(write_statistics(one), write_statistics(whole));
  merge(other, part(3, 3, c), "c");
  merge(other, part(1, 3, a), "a");
  EXPECT_EQ(write_statistics(other), write_statistics(whole));
}

TEST(StatisticsFile, RefusesShardsThatDoNotBelongTogether) {
  auto first = part(1, 3, seen({1}, {2}));
  EXPECT_NE(refusal([&] { merge(first, part(1, 3, seen({1}, {2})), "again.json"); }).find("again.json holds shard 1"), std::string::npos);
  EXPECT_NE(refusal([&] { merge(first, part(2, 4, seen({1}, {2})), "four.json"); }).find("division into 4"), std::string::npos);
  auto foreign = part(2, 3, seen({1}, {2}));
  foreign.origin.model[0] = 'f';
  EXPECT_NE(refusal([&] { merge(first, foreign, "foreign.json"); }).find("another model"), std::string::npos);
  foreign = part(2, 3, seen({1}, {2}));
  foreign.origin.graph[0] = 'f';
  foreign.origin.settings["scheme"] = "w4a16";
  EXPECT_NE(refusal([&] { merge(first, foreign, "foreign.json"); }).find("--scheme w4a16, this run has w8a8"), std::string::npos);
}

TEST(StatisticsFile, RefusesWhatIsBrokenByName) {
  const auto text = write_statistics(part(2, 3, seen({1}, {2})));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return refusal([&] { (void)read_statistics(changed, "broken.json"); });
  };
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"\"version\": 1", "\"version\": 2"},
                                 {"quantize statistics", "quantize encodings"},
                                 {"\"first_bin\":", "\"first_bin\":-"},
                                 {"\"first_bin\":", "\"first_bin\":9"},
                                 {"\"exponent\":", "\"exponent\":1000"},
                                 {"\"count\":[", "\"count\":[7,"},
                                 {"\"of\":3", "\"of\":1"},
                                 {"\"channels\"", "\"chanels\""}}) {
    EXPECT_EQ(with(from, to).rfind("broken.json", 0), 0U) << from;
  }
}

}  // namespace
}  // namespace quantize
