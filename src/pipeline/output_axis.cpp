#include "pipeline/output_axis.h"

#include <optional>

#include "prepare/value_types.h"
#include "rewrite/output_type.h"

namespace quantize {
namespace {

// As it is declared; what that leaves free, as it follows from the inputs. Nothing where not even the rank is known.
std::optional<Shape> known_shape(const onnx::ModelProto& model) {
  const auto& output = model.graph().output(0);
  std::optional<Shape> declared = shape_of(output.type().tensor_type().shape());
  if (declared->empty()) declared.reset();
  if (declared && !is_free_behind_batch(*declared)) return declared;
  const auto inferred = ValueTypes(model).of(output.name()).shape;
  if (!declared || !inferred || declared->size() != inferred->size()) return declared ? declared : inferred;
  for (std::size_t i = 0; i < declared->size(); ++i) {
    if ((*declared)[i] < 0) (*declared)[i] = (*inferred)[i];
  }
  return declared;
}

// With the height and width of a picture where the shape leaves them free.
Shape with_sizes_of(Shape shape, bool last, const Shape& picture) {
  if (shape.size() != 4 || picture.size() != 4) return shape;
  const std::size_t to = last ? 1 : 2, from = last || channels_last(picture, Layout::automatic) ? 1 : 2;
  for (std::size_t i = 0; i < 2; ++i) {
    if (shape[to + i] < 0) shape[to + i] = picture[from + i];
  }
  return shape;
}

}  // namespace

ClassAxis output_axis(const onnx::ModelProto& model, const Shape& input, Layout layout, std::span<const Tensor> inputs) {
  const bool last = channels_last(input, layout);
  const auto known = known_shape(model);
  // What a network along one dimension leaves free tells it from one for pictures.
  if (known && (input.size() != 4 || !is_free_behind_batch(*known))) return class_axis(input, last, *known);
  return class_axis(with_sizes_of(input, last, inputs[0].shape), last, first_output_shape(model, inputs));
}

}  // namespace quantize
