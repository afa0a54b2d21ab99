#include "pipeline/output_names.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "dataset/data_files.h"
#include "dataset/npy.h"

namespace quantize {
namespace {

struct Kind {
  Written what;
  const char* ending;
  const char* name;
};
constexpr std::array kinds = {Kind{Written::model, ".onnx", "a model"}, Kind{Written::json, ".json", "JSON"},
                              Kind{Written::page, ".html", "a page"}};

// By its name, where it is there; a page of another command may be called so as well, but has no figures for programs beside it.
bool is_report_of_a_run(std::filesystem::path file) {
  const std::string ending = lower_ending(file);
  if (lower_ending(file.stem()) != ".report") return false;
  if (ending == ".html") file.replace_extension(".json");
  std::error_code code;
  return (ending == ".json" || ending == ".html" || ending == ".xml" || ending == ".md") && std::filesystem::exists(file, code);
}

}  // namespace

void refuse_name_of_another_kind(const std::string& option, const std::filesystem::path& file, Written what) {
  const std::string ending = lower_ending(file);
  const auto* own = std::find_if(kinds.begin(), kinds.end(), [&](const Kind& kind) { return kind.what == what; });
  const std::string ends = own->ending;
  const auto refuse = [&](const std::string& other, const std::string& wanted) {
    throw Error(ErrorKind::usage, option + " writes " + own->name + ", and " + file.string() + " is named like " + other +
                                      ", which it would replace; choose a name that " + wanted);
  };
  if (is_picture(file) || is_unread_picture(file)) refuse("a picture", "ends with " + ends);
  if (is_npy(file)) refuse("a tensor", "ends with " + ends);
  if (is_report_of_a_run(file)) refuse("the report of a run", ending == ends ? "does not end with .report" + ends : "ends with " + ends);
  for (const auto& kind : kinds) {
    if (kind.what != what && ending == kind.ending) refuse(kind.name, "ends with " + ends);
  }
}

}  // namespace quantize
