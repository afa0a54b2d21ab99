// What the program says where it refuses something.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace quantize::test {

// The text of the Error that `action` throws, which must be of this kind; empty where it throws none.
template <typename Action>
std::string error_text(const Action& action, ErrorKind kind) {
  try {
    static_cast<void>(action());
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(kind)) << error.what();
    return error.what();
  }
  return "";
}

// Adds a test failure where `action` throws no Error of this kind, or one that does not say `words`.
template <typename Action>
void expect_refusal(const Action& action, ErrorKind kind, const std::string& words) {
  const std::string text = error_text(action, kind);
  EXPECT_NE(text.find(words), std::string::npos) << "'" << words << "' is not in: " << text;
}

}  // namespace quantize::test
