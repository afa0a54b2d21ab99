#include "completions.h"

#include <algorithm>
#include <map>

namespace quantize::cli {
namespace {

using Kind = OptionRow::Kind;

std::string join(const std::vector<std::string>& words, const char* between) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : between) + word;
  return text;
}

std::vector<std::string> names_of(std::span<const CommandRow> table) {
  std::vector<std::string> names;
  for (const auto& command : table.subspan(1)) names.push_back(command.name);
  return names;
}

std::vector<std::string> option_names(const CommandRow& command) {
  std::vector<std::string> names;
  for (const auto& option : command.options) {
    if (!option.positional) names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return names;
}

std::string with_backslash(const std::string& text, const std::string& letters) {
  std::string result;
  for (const char letter : text) {
    if (letters.find(letter) != std::string::npos) result += '\\';
    result += letter;
  }
  return result;
}

std::string single_quoted(const std::string& text) {
  std::string result = "'";
  for (const char letter : text) result += letter == '\'' ? "'\\''" : std::string(1, letter);
  return result + "'";
}

// What bash does for the value of an option of this kind.
std::string bash_action(const OptionRow& option) {
  switch (option.kind()) {
    case Kind::words:
      return "words=" + single_quoted(join(option.words(), " "));
    case Kind::folder:
      return "COMPREPLY=($(compgen -d -- \"$cur\")); compopt -o filenames; return";
    case Kind::file:
      return "COMPREPLY=($(compgen -f -- \"$cur\")); compopt -o filenames; return";
    default:
      return "return";
  }
}

std::string zsh_value(const OptionRow& option) {
  if (option.kind() == Kind::none) return "";
  std::string title = ":" + with_backslash(option.value, ":[]") + ":";
  switch (option.kind()) {
    case Kind::words:
      return ":value:(" + join(option.words(), " ") + ")";
    case Kind::folder:
      return title + "_files -/";
    case Kind::file:
      return title + "_files";
    default:
      return title;
  }
}

std::string zsh_specs(const CommandRow& command) {
  std::string specs;
  for (const auto& option : command.options) {
    if (option.positional) continue;
    const bool repeatable = option.help.find("repeatable") != std::string::npos;
    for (const auto& name : option.names) {
      const bool is_long = name.starts_with("--");
      const std::string value = zsh_value(option);
      specs += "    " +
               single_quoted((repeatable ? "*" : "") + name +
                             (value.empty() ? ""
                              : is_long     ? "="
                                            : "+") +
                             "[" + with_backslash(option.help, "[]:") + "]" + value) +
               "\n";
    }
  }
  return specs + "    '*:file:_files'\n";
}

std::string fish_option(const CommandRow& command, const OptionRow& option) {
  std::string line = "complete -c quantize -n \"__quantize_is '" + command.name + "'\"";
  for (const auto& name : option.names) line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  switch (option.kind()) {
    case Kind::none:
      break;
    case Kind::words:
      line += " -x -a " + single_quoted(join(option.words(), " "));
      break;
    case Kind::folder:
      line += " -x -a '(__fish_complete_directories)'";
      break;
    case Kind::file:
      line += " -r";
      break;
    case Kind::text:
      line += " -x";
      break;
  }
  return line + " -d " + single_quoted(option.help) + "\n";
}

}  // namespace

std::string bash_completions(std::span<const CommandRow> table) {
  std::map<std::string, std::vector<std::string>> values;  // action -> "command:option" patterns
  std::string options;
  for (const auto& command : table) {
    for (const auto& option : command.options) {
      if (option.positional || option.kind() == Kind::none) continue;
      for (const auto& name : option.names) values[bash_action(option)].push_back(command.name + ":" + name);
    }
    options += "    '" + command.name + "') options='" + join(option_names(command), " ") + "' ;;\n";
  }
  std::string cases;
  for (const auto& [action, patterns] : values) cases += "    " + join(patterns, "|") + ")\n      " + action + " ;;\n";
  const std::string commands = join(names_of(table), " ");
  return R"(# bash completions of quantize, made by `quantize completions bash`
_quantize() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command='' options='' words=''
  COMPREPLY=()
  if [ "$cur" = '=' ]; then
    cur=''
  elif [ "$prev" = '=' ]; then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if [ "$COMP_CWORD" -gt 1 ]; then
    case " )" +
         commands + R"( " in *" ${COMP_WORDS[1]} "*) command=${COMP_WORDS[1]} ;; esac
  fi
  case "$command:$prev" in
)" + cases +
         R"(  esac
  case "$command" in
)" + options +
         R"(  esac
  if [ -z "$words" ] && [[ $cur == -* ]]; then
    words=$options
  elif [ -z "$words" ]; then
    [ "$COMP_CWORD" -eq 1 ] && COMPREPLY=($(compgen -W ')" +
         commands + R"(' -- "$cur"))
    COMPREPLY+=($(compgen -f -- "$cur"))
    compopt -o filenames
    return
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -F _quantize quantize
)";
}

std::string zsh_completions(std::span<const CommandRow> table) {
  std::string described, cases;
  for (const auto& command : table.subspan(1)) {
    described += "    " + single_quoted(command.name + ":" + with_backslash(command.summary(), ":")) + "\n";
    cases += "    " + command.name + ")\n    words=(${words[2,-1]})\n    (( CURRENT-- ))\n    _arguments -S \\\n";
    std::string specs = zsh_specs(command);
    for (std::size_t at = specs.find("'\n"); at != std::string::npos; at = specs.find("'\n", at + 3)) specs.replace(at, 2, "' \\\n");
    cases += specs + "    ;;\n";
  }
  std::string specs = zsh_specs(table.front());
  for (std::size_t at = specs.find("'\n"); at != std::string::npos; at = specs.find("'\n", at + 3)) specs.replace(at, 2, "' \\\n");
  return R"(#compdef quantize
# zsh completions of quantize, made by `quantize completions zsh`
_quantize() {
  local -a commands
  commands=(
)" + described +
         R"(  )
  (( CURRENT == 2 )) && _describe -t commands 'sub-command' commands
  case ${words[2]} in
)" + cases +
         R"(    *)
    _arguments -S \
)" + specs +
         R"(    ;;
  esac
}
_quantize "$@"
)";
}

std::string fish_completions(std::span<const CommandRow> table) {
  std::string text = R"(# fish completions of quantize, made by `quantize completions fish`
function __quantize_is
  set -l words (commandline -opc)
  set -l command ''
  if test (count $words) -ge 2; and contains -- $words[2] )" +
                     join(names_of(table), " ") + R"(
    set command $words[2]
  end
  test "$command" = "$argv[1]"
end
)";
  for (const auto& command : table.subspan(1)) {
    text += "complete -c quantize -n 'test (count (commandline -opc)) -eq 1' -a " + command.name + " -d " +
            single_quoted(command.summary()) + "\n";
  }
  for (const auto& command : table) {
    for (const auto& option : command.options) {
      if (!option.positional) text += fish_option(command, option);
    }
  }
  return text;
}

}  // namespace quantize::cli
