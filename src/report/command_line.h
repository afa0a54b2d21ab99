// A command line as words, to be changed and written out again for a POSIX shell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace quantize {

// The word as a shell must be given it: as it is where that is safe, else in single quotes.
std::string quote_word(std::string_view word);
std::string join_words(const std::vector<std::string>& words);
// What join_words wrote, as words again. Single and double quotes and backslashes are understood; nothing is expanded.
std::vector<std::string> split_words(std::string_view command);

// Sets `option` to `value` in place of what it was, whether written "--scheme w8a8", "--scheme=w8a8", "-O 1" or "-O1".
void set_option(std::vector<std::string>& words, const std::string& option, const std::string& value);
void remove_option(std::vector<std::string>& words, const std::string& option);
// Empty where the option does not occur.
std::string value_of(const std::vector<std::string>& words, const std::string& option);

}  // namespace quantize
