#include "pipeline/check_labels.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "dataset/image.h"
#include "dataset/npy.h"
#include "run/session.h"

namespace quantize {
namespace {

std::string size_text(int width, int height) { return std::to_string(width) + "x" + std::to_string(height); }

// But for the pixel that rounding a resized side takes or adds.
bool same_proportions(const Image& label, const PictureSize& picture) {
  const auto a = static_cast<std::int64_t>(label.width) * picture.height, b = static_cast<std::int64_t>(label.height) * picture.width;
  return std::abs(a - b) <= std::max(picture.width, picture.height);
}

// "" where the label has the picture's size, or there is no picture; else what both are.
std::string other_size(const Image& label, const std::filesystem::path& label_file, const SampleFile& item,
                       const std::optional<PictureSize>& input) {
  if (item.files.empty() || is_npy(item.files[0])) return "";
  const PictureSize picture = picture_size(item.files[0]);
  if (picture == PictureSize{label.width, label.height}) return "";
  const std::string text =
      label_file.string() + " is " + size_text(label.width, label.height) + ", its picture " + size_text(picture.width, picture.height);
  if (!same_proportions(label, picture) && !(input && same_proportions(label, *input))) {
    throw Error(ErrorKind::data, "the label " + text +
                                     ": it cannot be a mask of that picture, whose size a label has to have (a rotation "
                                     "that a JPEG only notes in its EXIF data is not applied)");
  }
  return text;
}

}  // namespace

LabelValues check_labels(const SampleSource& test, const std::filesystem::path& folder, Context& context) {
  std::error_code code;
  for (std::size_t i = 0; i < test.size(); ++i) {
    const auto label = label_path(folder, test.file(i).stem);
    if (!std::filesystem::exists(label, code))
      throw Error(ErrorKind::data, "there is no label " + label.string() + " for the test image '" + test.file(i).stem + "'");
  }
  const auto input = fixed_picture_size(test.inputs()[0].shape, test.preprocess().layout);
  std::vector<LabelValues> values(test.size());
  std::vector<std::string> sizes(test.size());
  parallel_for(context, test.size(), [&](std::size_t i, unsigned) {
    const auto file = label_path(folder, test.file(i).stem);
    const Image label = read_label(file);
    for (const std::uint8_t value : label.pixels) values[i].set(value);
    sizes[i] = other_size(label, file, test.file(i), input);
  });
  LabelValues all;
  for (const auto& one : values) all |= one;
  std::erase(sizes, "");
  if (!sizes.empty()) {
    context.warn(std::to_string(sizes.size()) + " of " + std::to_string(test.size()) + (test.size() == 1 ? " label has" : " labels have") +
                 " another size than their pictures; masks are compared at the label's. The first: " + sizes.front());
  }
  return all;
}

void refuse_masks_of_255(const LabelValues& values, const onnx::ModelProto& model, const SampleSource& test, ClassAxis axis,
                         const std::filesystem::path& folder) {
  if (test.size() == 0 || values.count() != 2 || !values.test(0) || !values.test(255)) return;
  const auto outputs = Session(model).run(test.load(0).inputs);
  if (class_count(outputs[0], axis) != 2) return;
  throw Error(ErrorKind::data,
              "the labels in " + folder.string() +
                  " hold 0 and 255 only, and 255 stands for void: nothing but the background would count. The model tells "
                  "two classes apart; write the foreground as 1 (where there is none at all, add a picture that has some)");
}

}  // namespace quantize
