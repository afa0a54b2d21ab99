#include "model/sparse.h"

#include <cstring>

#include "base/error.h"
#include "model/graph.h"
#include "model/tensor.h"

namespace quantize {
namespace {

using Sparse = onnx::SparseTensorProto;

constexpr std::int64_t most_bytes = std::int64_t{1} << 30;  // a file of a hundred bytes may claim any shape

[[noreturn]] void fail(const Sparse& sparse, const std::string& what) {
  throw Error(ErrorKind::model, "sparse tensor '" + sparse.values().name() + "' " + what);
}

// Of a tensor whose dense form can be stored.
Shape dense_shape(const Sparse& sparse) {
  const auto type = static_cast<ElementType>(sparse.values().data_type());
  const auto size = static_cast<std::int64_t>(element_size(type));
  if (size == 0) fail(sparse, "has the element type " + type_name(type) + ", which is not supported here");
  std::int64_t most = most_bytes / size;
  for (const auto dimension : sparse.dims()) {
    if (dimension < 1 || dimension > most) fail(sparse, "has a dimension of " + std::to_string(dimension) + ", less than 1 or too large");
    most /= dimension;
  }
  return {sparse.dims().begin(), sparse.dims().end()};
}

// Where each of `count` values belongs, given as its place in the dense tensor [count] or as its coordinates [count, rank].
std::vector<std::size_t> places_of(const Sparse& sparse, const Shape& shape, std::size_t count) {
  if (count == 0) return {};
  const auto& indices = sparse.indices();
  const bool coordinates = indices.dims_size() == 2;
  const Shape bounds = coordinates ? shape : Shape{element_count(shape)};
  Shape expected = {static_cast<std::int64_t>(count)};
  if (coordinates) expected.push_back(static_cast<std::int64_t>(bounds.size()));
  if (indices.data_type() != onnx::TensorProto::INT64 || shape_of(indices) != expected) fail(sparse, "has no index for each of its values");
  const auto numbers = int_values(indices);
  std::vector<std::size_t> places(count);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const std::int64_t bound = bounds[i % bounds.size()];
    if (numbers[i] < 0 || numbers[i] >= bound) fail(sparse, "has an index outside its shape " + to_string(shape));
    auto& place = places[i / bounds.size()];
    place = place * static_cast<std::size_t>(bound) + static_cast<std::size_t>(numbers[i]);
  }
  return places;
}

onnx::TensorProto dense(const Sparse& sparse) {
  const auto& values = sparse.values();
  const Shape shape = dense_shape(sparse);
  // None takes less than a byte: memory is only taken for as many as are there.
  if (values.dims_size() != 1 || values.dims(0) < 0 || values.dims(0) > element_count(shape) ||
      static_cast<std::uint64_t>(values.dims(0)) > values.ByteSizeLong())
    fail(sparse, "holds another number of values than it says, or more than its shape has");
  const Tensor given = from_proto(values);
  const auto places = places_of(sparse, shape, static_cast<std::size_t>(given.size()));
  Tensor tensor = Tensor::zeros(given.type, shape);
  const std::size_t size = element_size(given.type);
  for (std::size_t i = 0; i < places.size(); ++i) std::memcpy(tensor.bytes.data() + places[i] * size, given.bytes.data() + i * size, size);
  return to_proto(values.name(), tensor);
}

}  // namespace

void make_dense(onnx::GraphProto& graph) {
  for (const auto& sparse : graph.sparse_initializer()) *graph.add_initializer() = dense(sparse);
  graph.clear_sparse_initializer();
  for (auto& node : *graph.mutable_node()) {
    for (auto* body : mutable_bodies(node)) make_dense(*body);
  }
}

}  // namespace quantize
