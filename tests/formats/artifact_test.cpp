#include "formats/artifact.h"

#include <gtest/gtest.h>

namespace quantize {
namespace {

Origin origin(std::map<std::string, std::string> settings, const std::string& graph = "g") {
  return {"m", graph, "d", std::move(settings)};
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(Origin, SettingsOnlyExplainWhereTheGraphsDiffer) {
  const auto found = origin({{"scheme", "w8a8"}, {"optimize", "1"}}), same_graph = origin({{"scheme", "w8a8"}, {"optimize", "2"}});
  EXPECT_EQ(difference(found, same_graph), "");
  EXPECT_TRUE(says(difference(found, origin(same_graph.settings, "other")), "--optimize 1, this run has 2"));
}

TEST(Origin, DecisiveSettingsCountWhateverTheGraph) {
  const auto found = origin({{"scheme", "w8a16"}}), wanted = origin({{"scheme", "w4a16"}});
  EXPECT_EQ(difference(found, wanted, {"mean"}), "");
  EXPECT_TRUE(says(difference(found, wanted, {"mean", "scheme"}), "--scheme w8a16, this run has w4a16"));
}

TEST(Origin, ASettingMayStandOnEitherSideAlone) {
  const auto with = origin({{"exclude-regex", "conv2"}}), without = origin({}, "other");
  EXPECT_TRUE(says(difference(with, without), "with --exclude-regex conv2, this run does without"));
  EXPECT_TRUE(says(difference(without, with), "without --exclude-regex, this run has --exclude-regex conv2"));
  EXPECT_TRUE(says(difference(with, without, {"exclude-regex"}), "--exclude-regex conv2"));
}

TEST(Origin, WithTheSameSettingsItIsTheProgramOrTheMachine) {
  EXPECT_TRUE(says(difference(origin({{"scheme", "w8a8"}}), origin({{"scheme", "w8a8"}}, "other")), "this program"));
}

TEST(Origin, FilesWithoutPreprocessingAreOfAnEarlierVersion) {
  const auto found = origin({{"scheme", "w8a8"}}), wanted = origin({{"scheme", "w8a8"}, {"color", "rgb"}});
  EXPECT_TRUE(says(difference(found, wanted, {"color"}), "an earlier version of this program; make it again"));
  EXPECT_EQ(difference(wanted, wanted, {"color"}), "");
}

TEST(Origin, DataAreComparedWhereBothHaveSome) {
  auto other = origin({});
  other.data = "e";
  EXPECT_TRUE(says(difference(other, origin({})), "other images"));
  EXPECT_TRUE(says(difference(other, origin({})), "--test and --holdout must be the same"));
  other.data = "";
  EXPECT_EQ(difference(other, origin({})), "");
  EXPECT_EQ(difference(origin({}), other), "");
}

}  // namespace
}  // namespace quantize
