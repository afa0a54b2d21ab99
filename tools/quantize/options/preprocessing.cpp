// Pre-processing: how a picture becomes the model's input.
#include <sstream>

#include "base/error.h"
#include "options/choice.h"
#include "options/groups.h"
#include "options/number.h"

namespace quantize::cli {
namespace {

const std::map<std::string, ColorOrder> colors = {{"rgb", ColorOrder::rgb}, {"bgr", ColorOrder::bgr}, {"gray", ColorOrder::gray}};
const std::map<std::string, Layout> layouts = {{"auto", Layout::automatic}, {"nchw", Layout::nchw}, {"nhwc", Layout::nhwc}};
const std::map<std::string, ResizeMode> resizes = {
    {"stretch", ResizeMode::stretch}, {"letterbox", ResizeMode::letterbox}, {"crop", ResizeMode::crop}};

}  // namespace

void add_preprocessing_options(CLI::App& app, Input& input) {
  auto& raw = input.raw;
  auto& preprocess = input.arguments.options.preprocess;
  const std::string group = "Pre-processing: x = (pixel * scale - mean) / std, pixel 0..255";
  app.add_option("--preprocess", raw.preprocess, "A known recipe [imagenet; for gray: unit]")
      ->option_text("imagenet|unit|signed|raw")
      ->group(group);
  add_number<float>(app, "--scale", raw.scale, "Factor on the pixel")->option_text("X")->group(group);
  app.add_option("--mean", raw.mean, "One value, or one per channel, comma separated")
      ->delimiter(',')
      ->check(is_number<float>())
      ->allow_extra_args(false)
      ->option_text("X,...")
      ->group(group);
  app.add_option("--std", raw.std, "One value, or one per channel, comma separated")
      ->delimiter(',')
      ->check(is_number<float>())
      ->allow_extra_args(false)
      ->option_text("X,...")
      ->group(group);
  add_choice(app, "--color", preprocess.color, colors, "Order of the channels")->group(group);
  add_choice(app, "--layout", preprocess.layout, layouts, "Order of the dimensions")->group(group);
  add_choice(app, "--resize", preprocess.resize, resizes, "How a picture of another size is brought to the model's")->group(group);
  app.add_option("--input-shape", raw.input_shape, "Fills in free dimensions of the first input")->option_text("1x3xHxW")->group(group);
}

void finish_preprocessing(const Raw& raw, Options& options) {
  const bool by_hand = raw.scale || !raw.mean.empty() || !raw.std.empty();
  if (by_hand && !raw.preprocess.empty()) throw Error(ErrorKind::usage, "--preprocess and --scale/--mean/--std exclude each other");
  const bool gray = options.preprocess.color == ColorOrder::gray;
  if (gray && raw.preprocess == "imagenet")
    throw Error(ErrorKind::usage, "--preprocess imagenet is for three channels; with --color gray give another");
  const std::string fallback = by_hand ? "raw" : gray ? "unit" : "imagenet";
  const auto recipe = Preprocess::named(raw.preprocess.empty() ? fallback : raw.preprocess);
  options.preprocess.scale = raw.scale.value_or(recipe.scale);
  options.preprocess.mean = raw.mean.empty() ? recipe.mean : raw.mean;
  options.preprocess.std = raw.std.empty() ? recipe.std : raw.std;
  if (!raw.input_shape.empty()) options.input_shape = parse_shape(raw.input_shape);
}

Shape parse_shape(const std::string& text) {
  Shape shape;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, 'x');) {
    std::size_t used = 0;
    std::int64_t dimension = 0;
    try {
      dimension = std::stoll(part, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used == 0 || used != part.size() || dimension < 1)
      throw Error(ErrorKind::usage, "'" + text + "' is not a shape; write it as 1x3x480x640");
    shape.push_back(dimension);
  }
  return shape;
}

}  // namespace quantize::cli
