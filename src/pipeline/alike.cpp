#include "pipeline/alike.h"

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "pipeline/pixel_model.h"
#include "rewrite/output_type.h"
#include "run/session.h"

namespace quantize {
namespace {

// Pixels that the one takes are what the other's floats are made from.
bool takes_pixels_of(const ValueSpec& floats, const ValueSpec& pixels) {
  return floats.name == pixels.name && is_float(floats.type) && pixels.type == onnx::TensorProto::UINT8 &&
         floats.shape.size() == pixels.shape.size();
}

void refuse_different_interface(const Session& fp32, const Session& quantized, const std::filesystem::path& file) {
  const auto refuse = [&](const std::string& what) {
    throw Error(ErrorKind::model, file.string() + " has other " + what + " than the first model");
  };
  const auto same = [](const ValueSpec& a, const ValueSpec& b) { return a.name == b.name && (a.type == b.type || takes_pixels_of(a, b)); };
  if (!std::equal(fp32.inputs().begin(), fp32.inputs().end(), quantized.inputs().begin(), quantized.inputs().end(), same)) refuse("inputs");
  if (fp32.outputs().size() != quantized.outputs().size()) refuse("outputs");
}

// The first output, where its type is another than FP32's.
void make_output_alike(Alike& alike, const Session& fp32, const Session& quantized, const onnx::ModelProto& model,
                       const std::filesystem::path& file) {
  const auto &wanted = fp32.outputs()[0], &given = quantized.outputs()[0];
  if (is_float(wanted.type) == is_float(given.type)) return;
  alike.classes = is_float(wanted.type) && gives_classes(model);
  if (alike.classes) return;
  alike.quantized = model;
  if (is_float(wanted.type) && give_floats(*alike.quantized)) return;
  throw Error(ErrorKind::model, file.string() + ": output '" + given.name + "' is of type " + type_name(given.type) +
                                    " where the first model gives " + type_name(wanted.type) +
                                    ", and its metadata do not say what that stands for (quantize.scale." + given.name +
                                    ", or quantize.classes." + given.name + " for the class of each pixel)");
}

}  // namespace

Alike make_alike(const Model& fp32, const Model& quantized, const std::vector<InputSpec>& file_inputs, const Options& options,
                 Context& context) {
  const Session first(fp32.proto), second(quantized.proto);
  refuse_different_interface(first, second, options.quantized);
  Alike alike{.fp32 = {}, .quantized = {}, .inputs = file_inputs, .preprocess = options.preprocess};
  make_output_alike(alike, first, second, quantized.proto, options.quantized);
  if (first.inputs()[0].type == second.inputs()[0].type) return alike;
  const bool last = channels_last(second.inputs()[0].shape, Layout::automatic);
  const bool as_camera = last && !channels_last(file_inputs[0].shape, options.preprocess.layout);
  Options fed = options;
  fed.input_type = as_camera ? InputType::camera : InputType::pixels;
  alike.fp32 = fp32;
  alike.inputs = take_pixels_as_asked(*alike.fp32, file_inputs, fed);
  alike.preprocess = fed_preprocess(fed);
  const auto here = made_of_pixels(alike.fp32->proto), there = made_of_pixels(quantized.proto);
  if (there && here != there) {
    context.warn("the quantized model was made with other pre-processing (" + *there + ") than FP32 is given here (" +
                 here.value_or("none") + "); give the options of that run");
  }
  return alike;
}

}  // namespace quantize
