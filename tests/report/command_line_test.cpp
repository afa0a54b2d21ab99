#include "report/command_line.h"

#include <gtest/gtest.h>

namespace quantize {
namespace {

using Words = std::vector<std::string>;

TEST(CommandLine, QuotesOnlyWhatAShellWouldChange) {
  EXPECT_EQ(quote_word("model.onnx"), "model.onnx");
  EXPECT_EQ(quote_word("my model"), "'my model'");
  EXPECT_EQ(quote_word("it's"), "'it'\\''s'");
  EXPECT_EQ(quote_word(""), "''");
  EXPECT_EQ(quote_word("$HOME;*"), "'$HOME;*'");
}

TEST(CommandLine, SplitsWhatItJoined) {
  const Words words = {"quantize", "a b.onnx", "it's", "", "--mean", "0.1,0.2", "back\\slash", "\"x\""};
  EXPECT_EQ(split_words(join_words(words)), words);
  EXPECT_EQ(split_words("  a  \"b c\" 'd'\\ e"), (Words{"a", "b c", "d e"}));
}

TEST(CommandLine, ReplacesAnOptionHoweverItIsWritten) {
  for (const char* written : {"q m --scheme w8a8 -v", "q m --scheme=w8a8 -v", "q m -v"}) {
    Words words = split_words(written);
    set_option(words, "--scheme", "w8a16");
    EXPECT_EQ(join_words(words), "q m -v --scheme w8a16") << written;
  }
  for (const char* written : {"q m -O 1 -v", "q m -O1 -v", "q m -v"}) {
    Words words = split_words(written);
    set_option(words, "-O", "2");
    EXPECT_EQ(join_words(words), "q m -v -O2") << written;
  }
}

TEST(CommandLine, FindsTheValueOfAnOption) {
  EXPECT_EQ(value_of({"q", "-O2"}, "-O"), "2");
  EXPECT_EQ(value_of({"q", "--scheme=w8a8"}, "--scheme"), "w8a8");
  EXPECT_EQ(value_of({"q", "--schemes", "x"}, "--scheme"), "");
}

}  // namespace
}  // namespace quantize
