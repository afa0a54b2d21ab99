// One pass on one text graph: the model is checked and run before and after, so that every test of a structure is also a test of the
// numbers, and the pass's own word (changed or not) is compared with what happened.
#pragma once

#include <gtest/gtest.h>
#include <onnx/checker.h>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

#include "model/edit.h"
#include "model/model.h"
#include "prepare/passes.h"
#include "support/run_model.h"
#include "support/text_model.h"

namespace quantize::test {

struct PassResult {
  Model before, after;
  std::string detail;  // the pass's words; empty: it says that it changed nothing
};

inline PassResult run_pass_on(const Model& model, const std::function<std::string(Model&)>& pass, double tolerance = 1e-5) {
  PassResult result{model, model, ""};
  EXPECT_NO_THROW(check_model(result.before.proto, "before"));
  result.detail = pass(result.after);
  EXPECT_NO_THROW(check_model(result.after.proto, "after"));
  EXPECT_EQ(result.detail.empty(), serialize(result.before.proto) == serialize(result.after.proto))
      << "the pass says: '" << result.detail << "'";
  expect_same_function(result.before.proto, result.after.proto, tolerance);
  return result;
}

inline PassResult run_pass_on(std::string_view text, const std::function<std::string(Model&)>& pass, int opset = 17,
                              double tolerance = 1e-5) {
  return run_pass_on(text_model(text, opset, opset < 9 ? 4 : 8), pass, tolerance);
}

// Passes that spare what is to stay: with nothing of that kind, and with the nodes named "kept".
using SparingPass = std::string (*)(Model&, const IsKept&);
inline std::function<std::string(Model&)> sparing_nothing(SparingPass pass) {
  return [pass](Model& model) { return pass(model, {}); };
}
inline std::function<std::string(Model&)> sparing_named(SparingPass pass) {
  return [pass](Model& model) { return pass(model, [](const onnx::NodeProto& node) { return node.name() == "kept"; }); };
}

// The first node of this type named "kept".
inline Model with_name(Model model, const std::string& type) {
  auto& nodes = *model.graph().mutable_node();
  std::ranges::find(nodes, type, [](const auto& node) { return node.op_type(); })->set_name("kept");
  return model;
}

// What a file may say about a tensor, true or not.
inline void claim(Model& model, const std::string& name, const Shape& shape) {
  auto& value = *model.graph().add_value_info();
  value.set_name(name);
  auto& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  for (const auto dimension : shape) type.mutable_shape()->add_dim()->set_dim_value(dimension);
}

// A row of a table of cases: one graph, and which operators are left of it.
struct GraphCase {
  const char* name;
  const char* graph;
  const char* operators_after;
  int opset = 17;
};

inline void PrintTo(const GraphCase& one, std::ostream* stream) { *stream << one.name; }

inline std::string case_name(const testing::TestParamInfo<GraphCase>& row) { return row.param.name; }

}  // namespace quantize::test
