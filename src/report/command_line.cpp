#include "report/command_line.h"

#include <algorithm>

namespace quantize {
namespace {

constexpr std::string_view safe = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";

// How many words the option takes up at `place`: 0 where it does not stand there. The value is what follows.
std::size_t length_at(const std::vector<std::string>& words, std::size_t place, const std::string& option, std::string& value) {
  const std::string& word = words[place];
  if (word == option) {
    value = place + 1 < words.size() ? words[place + 1] : "";
    return std::min<std::size_t>(2, words.size() - place);
  }
  const bool is_long = option.starts_with("--");
  const std::string start = is_long ? option + "=" : option;
  if (!word.starts_with(start)) return 0;
  value = word.substr(start.size());
  return 1;
}

}  // namespace

std::string quote_word(std::string_view word) {
  if (!word.empty() && word.find_first_not_of(safe) == std::string_view::npos) return std::string(word);
  std::string quoted = "'";
  for (const char letter : word) {
    if (letter == '\'')
      quoted += "'\\''";
    else
      quoted += letter;
  }
  return quoted + "'";
}

std::string join_words(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + quote_word(word);
  return text;
}

std::vector<std::string> split_words(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  bool open = false;  // a word has begun, be it an empty one in quotes
  char quote = 0;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char letter = command[i];
    if (quote != 0 ? letter == quote : letter == '\'' || letter == '"') {
      quote = quote != 0 ? '\0' : letter;
      open = true;
    } else if (letter == '\\' && quote != '\'' && i + 1 < command.size()) {
      word += command[++i];
      open = true;
    } else if (quote == 0 && letter == ' ') {
      if (open) words.push_back(std::move(word));
      word.clear();
      open = false;
    } else {
      word += letter;
      open = true;
    }
  }
  if (open) words.push_back(std::move(word));
  return words;
}

void remove_option(std::vector<std::string>& words, const std::string& option) {
  std::string value;
  for (std::size_t place = 1; place < words.size();) {
    const std::size_t length = length_at(words, place, option, value);
    const auto at = words.begin() + static_cast<std::ptrdiff_t>(place);
    if (length > 0)
      words.erase(at, at + static_cast<std::ptrdiff_t>(length));
    else
      ++place;
  }
}

void set_option(std::vector<std::string>& words, const std::string& option, const std::string& value) {
  remove_option(words, option);
  if (option.starts_with("--")) {
    words.insert(words.end(), {option, value});
  } else {
    words.push_back(option + value);
  }
}

std::string value_of(const std::vector<std::string>& words, const std::string& option) {
  std::string value;
  for (std::size_t place = 1; place < words.size(); ++place) {
    if (length_at(words, place, option, value) > 0) return value;
  }
  return {};
}

}  // namespace quantize
