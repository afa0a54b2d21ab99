#include <cmath>

#include "base/parallel.h"
#include "dataset/image.h"
#include "dataset/npy.h"
#include "evaluate/evaluate.h"
#include "report/overlay.h"
#include "run/session.h"

namespace quantize {
namespace {

constexpr double overlay_opacity = 0.55;

// The classes of an output brought back to the picture it came from. Where the picture fills only a part of the model's input (letterbox),
// that part of the output is cut out; where only the middle of the picture was used (crop), the rest of the mask keeps class 0.
ClassMap mask_of(const Tensor& output, ClassAxis axis, const Image& picture, int input_width, int input_height, ResizeMode mode) {
  if (mode == ResizeMode::stretch) return classes_at(output, axis, picture.width, picture.height);
  const Placement2D place = place_picture(picture.width, picture.height, input_width, input_height, mode);
  const double grow_x = static_cast<double>(place.source_width) / place.width,
               grow_y = static_cast<double>(place.source_height) / place.height;
  const ClassMap whole = classes_at(output, axis, std::max(1, static_cast<int>(std::lround(input_width * grow_x))),
                                    std::max(1, static_cast<int>(std::lround(input_height * grow_y))));
  const int left = static_cast<int>(std::lround(place.x * grow_x)), top = static_cast<int>(std::lround(place.y * grow_y));
  ClassMap mask{picture.width, picture.height, std::vector<std::uint8_t>(static_cast<std::size_t>(picture.width) * picture.height)};
  for (int y = 0; y < place.source_height; ++y) {
    const int from_y = std::min(whole.height - 1, top + y);
    for (int x = 0; x < place.source_width; ++x) {
      const int from_x = std::min(whole.width - 1, left + x);
      mask.classes[static_cast<std::size_t>(place.source_y + y) * picture.width + place.source_x + x] =
          whole.classes[static_cast<std::size_t>(from_y) * whole.width + from_x];
    }
  }
  return mask;
}

}  // namespace

std::vector<ComparedPicture> compare_pictures(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized, const SampleSource& samples,
                                              std::span<const std::size_t> numbers, ClassAxis axis, const Preprocess& preprocess,
                                              const Accuracy& accuracy, const SessionOptions& options, const Context& context) {
  std::vector<std::size_t> usable;
  for (const auto number : numbers) {
    if (samples.file(number).files.size() == 1 && !is_npy(samples.file(number).files[0])) usable.push_back(number);
  }
  const Session a(fp32), b(quantized, options);
  std::vector<ComparedPicture> pictures(usable.size());
  parallel_for_samples(context, usable.size(), [&](std::size_t i, unsigned) {
    const std::size_t number = usable[i];
    const Sample sample = samples.load(number);
    const Image picture = read_image(samples.file(number).files[0], 3);
    const auto& shape = sample.inputs[0].shape;
    const bool last = channels_last(shape, preprocess.layout);  // of the input: the output may have another order
    const int height = static_cast<int>(shape[shape.size() - (last ? 3 : 2)]),
              width = static_cast<int>(shape[shape.size() - (last ? 2 : 1)]);
    const ClassMap mask_a = mask_of(a.run(sample.inputs)[0], axis, picture, width, height, preprocess.resize);
    const ClassMap mask_b = mask_of(b.run(sample.inputs)[0], axis, picture, width, height, preprocess.resize);
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
