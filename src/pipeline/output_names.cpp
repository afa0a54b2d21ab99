#include "pipeline/output_names.h"

#include <algorithm>
#include <array>
#include <cctype>

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

}  // namespace

void refuse_name_of_another_kind(const std::string& option, const std::filesystem::path& file, Written what) {
  std::string name = file.filename().string();
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char letter) { return static_cast<char>(std::tolower(letter)); });
  const auto* own = std::find_if(kinds.begin(), kinds.end(), [&](const Kind& kind) { return kind.what == what; });
  const auto refuse = [&](const std::string& other) {
    throw Error(ErrorKind::usage, option + " writes " + own->name + ", and " + file.string() + " is named like " + other +
                                      ", which it would replace; choose a name that ends with " + own->ending);
  };
  if (is_picture(file) || is_unread_picture(file)) refuse("a picture");
  if (is_npy(file)) refuse("a tensor");
  for (const char* ending : {".report.json", ".report.html", ".report.xml", ".report.md"}) {
    if (name.ends_with(ending)) refuse("the report of a run");
  }
  for (const auto& kind : kinds) {
    if (kind.what != what && name.ends_with(kind.ending)) refuse(kind.name);
  }
}

}  // namespace quantize
