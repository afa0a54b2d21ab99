// Models for tests, written in ONNX's own text syntax:
//
//   text_model(R"(g (float[1,3,8,8] x) => (float[1,4,8,8] y) <float[4,3,3,3] w, float[4] b> {
//     y = Conv <pads = [1,1,1,1]> (x, w, b)
//   })")
//
// A tensor declared between < and > without a value becomes an initializer with pseudo-random values that depend on its name and shape
// only: between -1 and 1, between 0.5 and 1.5 where the name ends in "var".
#pragma once

#include <string>
#include <string_view>

#include "model/model.h"

namespace quantize::test {

// A graph, as above, is given this opset; text that begins with '<' is a whole model and says so itself.
Model text_model(std::string_view text, int opset = 17, int ir_version = 8);

// How many nodes of this kind the graph holds; subgraphs are not looked into.
int count_nodes(const Model& model, std::string_view op_type);
// "Conv Relu Conv": the graph's operators in order.
std::string operators(const Model& model);
// The node that makes this tensor; fails the test by an exception where there is none.
const onnx::NodeProto& node_of(const Model& model, const std::string& tensor);
// The initializer of this name; throws where there is none.
const onnx::TensorProto& initializer_of(const Model& model, const std::string& tensor);

}  // namespace quantize::test
