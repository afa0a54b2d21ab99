#include "model/sparse.h"

#include <gtest/gtest.h>

#include "model/edit.h"
#include "model/model.h"
#include "model/payload.h"
#include "support/error_text.h"
#include "support/folder_test.h"
#include "support/run_model.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

using Indices = std::vector<std::int64_t>;

onnx::SparseTensorProto sparse_tensor(const onnx::TensorProto& values, const Shape& indices_shape, const Indices& indices,
                                      const Shape& shape = {2, 3}) {
  onnx::SparseTensorProto sparse;
  *sparse.mutable_values() = values;
  *sparse.mutable_indices() = make_tensor("places", indices_shape, indices);
  sparse.mutable_dims()->Assign(shape.begin(), shape.end());
  return sparse;
}

onnx::TensorProto two_values() { return make_tensor("s", {2}, std::vector<float>{2, 3}); }
const std::vector<float> all_values = {0, 2, 0, 0, 0, 3};

Model model_with(const onnx::SparseTensorProto& sparse) {
  Model model = text_model("g (float[2,3] x) => (float[2,3] y) { y = Add (x, s) }");
  *model.graph().add_sparse_initializer() = sparse;
  return model;
}

Model loaded(const Model& model) { return parse_model(serialize(model.proto), "a.onnx"); }

std::string refusal_of(const onnx::SparseTensorProto& sparse) {
  return error_text([&] { return loaded(model_with(sparse)); }, ErrorKind::model);
}

TEST(MakeDense, PlacesAndCoordinates) {
  for (const auto& sparse : {sparse_tensor(two_values(), {2}, {1, 5}), sparse_tensor(two_values(), {2, 2}, {0, 1, 1, 2})}) {
    const Model before = model_with(sparse), after = loaded(before);
    EXPECT_EQ(after.graph().sparse_initializer_size(), 0);
    EXPECT_EQ(shape_of(initializer_of(after, "s")), (Shape{2, 3}));
    EXPECT_EQ(float_values(initializer_of(after, "s")), all_values);
    expect_same_function(before.proto, after.proto, 0);
  }
}

TEST(MakeDense, OtherTypesAndTypedFields) {
  auto fields = two_values();
  fields.clear_raw_data();
  for (const float value : {2.0F, 3.0F}) fields.add_float_data(value);
  EXPECT_EQ(float_values(initializer_of(loaded(model_with(sparse_tensor(fields, {2}, {1, 5}))), "s")), all_values);
  for (const auto type : {onnx::TensorProto::FLOAT16, onnx::TensorProto::DOUBLE}) {
    onnx::GraphProto graph;
    *graph.add_sparse_initializer() = sparse_tensor(make_float_tensor("s", {2}, type, std::vector<float>{2, 3}), {2}, {1, 5});
    make_dense(graph);
    EXPECT_EQ(graph.initializer(0).data_type(), type);
    EXPECT_EQ(float_values(graph.initializer(0)), all_values);
  }
  onnx::GraphProto graph;
  *graph.add_sparse_initializer() = sparse_tensor(make_tensor("s", {1}, std::vector<std::int64_t>{-7}), {1}, {4});
  make_dense(graph);
  EXPECT_EQ(int_values(graph.initializer(0)), (Indices{0, 0, 0, 0, -7, 0}));
}

TEST(MakeDense, NoValueAtAll) {
  auto sparse = sparse_tensor(make_tensor("s", {0}, std::vector<float>{}), {0}, {});
  EXPECT_EQ(float_values(initializer_of(loaded(model_with(sparse)), "s")), std::vector<float>(6));
  sparse.clear_indices();
  EXPECT_EQ(float_values(initializer_of(loaded(model_with(sparse)), "s")), std::vector<float>(6));
}

TEST(MakeDense, InSubgraphsToo) {
  Model model = text_model(R"(g (bool c, float[2,3] x) => (float[2,3] y) {
    y = If (c) < then_branch = t () => (float[2,3] p) { p = Add (x, s) }, else_branch = e () => (float[2,3] q) { q = Neg (x) }>
  })");
  auto& branch = *model.graph().mutable_node(0)->mutable_attribute(0)->mutable_g();
  *branch.add_sparse_initializer() = sparse_tensor(two_values(), {2}, {1, 5});
  const Model after = loaded(model);
  EXPECT_EQ(float_values(after.graph().node(0).attribute(0).g().initializer(0)), all_values);
}

TEST(MakeDense, APartOfTheGraphTakesItAlong) {
  const std::vector<std::string> inputs = {"x"}, outputs = {"y"};
  const auto part = extract(loaded(model_with(sparse_tensor(two_values(), {2}, {1, 5}))).proto, inputs, outputs);
  EXPECT_EQ(part.graph().initializer_size(), 1);
}

using LoadSparse = FolderTest;

TEST_F(LoadSparse, ValuesInAFileAreReadIn) {
  auto sparse = sparse_tensor(two_values(), {2}, {1, 5});
  write("s.bin", two_values().raw_data());
  set_external_place(*sparse.mutable_values(), {"s.bin", 0, 8});
  const Model model = load_model(write("a.onnx", serialize(model_with(sparse).proto)));
  EXPECT_EQ(float_values(initializer_of(model, "s")), all_values);
}

TEST(MakeDense, WhatDoesNotFitIsRefusedByName) {
  const std::int64_t huge = std::int64_t{1} << 40;
  for (const auto& sparse :
       {sparse_tensor(two_values(), {2}, {1, 6}), sparse_tensor(two_values(), {2}, {-1, 5}), sparse_tensor(two_values(), {1}, {1}),
        sparse_tensor(two_values(), {2, 2}, {0, 1, 1, 3}), sparse_tensor(two_values(), {1, 2}, {0, 1}),
        sparse_tensor(two_values(), {2, 1}, {0, 1}), sparse_tensor(two_values(), {2}, {0, 1}, {huge, huge}),
        sparse_tensor(two_values(), {2}, {0, 1}, {0, 3}), sparse_tensor(two_values(), {2}, {0, 1}, {1})})
    EXPECT_NE(refusal_of(sparse).find("sparse tensor 's'"), std::string::npos) << sparse.ShortDebugString();
  auto floats = sparse_tensor(two_values(), {2}, {0, 1});
  floats.mutable_indices()->set_data_type(onnx::TensorProto::FLOAT);
  EXPECT_NE(refusal_of(floats).find("no index"), std::string::npos);
  auto short_of_one = sparse_tensor(two_values(), {2}, {0, 1});
  short_of_one.mutable_values()->mutable_raw_data()->resize(4);
  EXPECT_NE(refusal_of(short_of_one), "");
}

}  // namespace
}  // namespace quantize::test
