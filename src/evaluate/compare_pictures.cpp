#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "dataset/image.h"
#include "dataset/npy.h"
#include "evaluate/evaluate.h"
#include "evaluate/mask.h"
#include "report/overlay.h"
#include "run/session.h"

namespace quantize {
namespace {

constexpr double overlay_opacity = 0.55;
// Of the longer side: what a screen shows beside another, and a page of a few megabytes with photographs of any size.
constexpr int longest_side = 1024;

Image shown(Image picture) {
  const int longer = std::max(picture.width, picture.height);
  if (longer <= longest_side) return picture;
  const auto shorter = [&](int side) {
    return std::max(1, static_cast<int>(std::lround(static_cast<double>(side) * longest_side / longer)));
  };
  return resize_bilinear(picture, shorter(picture.width), shorter(picture.height));
}

}  // namespace

std::vector<ComparedPicture> compare_pictures(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized, const SampleSource& samples,
                                              std::span<const std::size_t> numbers, ClassAxis axis, const Accuracy& accuracy,
                                              const SessionOptions& options, const Context& context) {
  std::vector<std::size_t> usable;
  for (const auto number : numbers) {
    if (samples.file(number).files.size() == 1 && !is_npy(samples.file(number).files[0])) usable.push_back(number);
  }
  const Session a(fp32), b(quantized, options);
  std::vector<ComparedPicture> pictures(usable.size());
  parallel_for_samples(context, usable.size(), [&](std::size_t i, unsigned) {
    const std::size_t number = usable[i];
    const Sample sample = samples.load(number);
    const Image picture = shown(read_image(samples.file(number).files[0], 3));
    const Frame frame = frame_of(samples, number, sample);
    const ClassMap mask_a = mask_of(a.run(sample.inputs)[0], axis, frame, picture.width, picture.height);
    const ClassMap mask_b = mask_of(b.run(sample.inputs)[0], axis, frame, picture.width, picture.height);
    pictures[i] = {sample.stem,
                   picture.width,
                   picture.height,
                   accuracy.images[number].agreement,
                   accuracy.images[number].psnr_db,
                   encode_png(picture),
                   encode_png(overlay_classes(picture, mask_a.classes, overlay_opacity)),
                   encode_png(overlay_classes(picture, mask_b.classes, overlay_opacity)),
                   encode_png(difference_picture(picture, mask_a.classes, mask_b.classes))};
  });
  return pictures;
}

}  // namespace quantize
