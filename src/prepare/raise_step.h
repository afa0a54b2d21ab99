// One step of raising a model's opset: how a node of one operator is rewritten when that operator changes from one version of the ONNX
// operator set to the next. The table (raise_table.cpp) is the whole list of operators whose meaning or form changed between 7 and 24; what
// is not in it only learned more types.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>
#include <vector>

#include "model/edit.h"
#include "model/tensor.h"
#include "prepare/value_types.h"

namespace quantize {

// What a step may use: it emits the nodes that replace the one it was given, and adds the constants that these read.
class RaiseStep {
 public:
  RaiseStep(onnx::GraphProto& graph, NameMaker& names, const ValueTypes& types) : graph_(&graph), names_(&names), types_(&types) {}

  void emit(onnx::NodeProto node) { emitted_.push_back(std::move(node)); }
  // Adds a constant named after the tensor it belongs to; returns its name.
  std::string constant(const std::string& owner, const std::string& role, const Shape& shape, const std::vector<std::int64_t>& values);
  std::string constant(const std::string& owner, const std::string& role, const Shape& shape, ElementType type,
                       const std::vector<float>& values);
  std::string tensor_name(const std::string& wanted) { return names_->unique(wanted); }
  // Null where `tensor` is no constant of this graph.
  [[nodiscard]] const onnx::TensorProto* find_constant(const std::string& tensor) const;
  [[nodiscard]] const ValueTypes& types() const { return *types_; }
  [[nodiscard]] std::vector<onnx::NodeProto> take_emitted() { return std::exchange(emitted_, {}); }

 private:
  onnx::GraphProto* graph_;
  NameMaker* names_;
  const ValueTypes* types_;
  std::vector<onnx::NodeProto> emitted_;
};

using RaiseFunction = void (*)(onnx::NodeProto node, RaiseStep& step);

// How nodes of this operator become valid at `version` from the version before; null where nothing has to be done.
// A function throws Error{verification} where this node cannot be said in the new version.
RaiseFunction find_raise(const std::string& op_type, std::int64_t version);

// raise_attributes.cpp: what used to be attributes is inputs now.
void clip_to_11(onnx::NodeProto node, RaiseStep& step);
void pad_to_11(onnx::NodeProto node, RaiseStep& step);
void slice_to_10(onnx::NodeProto node, RaiseStep& step);
void top_k_to_10(onnx::NodeProto node, RaiseStep& step);
void dropout_to_12(onnx::NodeProto node, RaiseStep& step);
void axes_to_input(onnx::NodeProto node, RaiseStep& step);
void split_to_13(onnx::NodeProto node, RaiseStep& step);
void split_to_18(onnx::NodeProto node, RaiseStep& step);
void dft_to_20(onnx::NodeProto node, RaiseStep& step);

// raise_resize.cpp
void upsample_to_9(onnx::NodeProto node, RaiseStep& step);
void upsample_to_10(onnx::NodeProto node, RaiseStep& step);
void resize_to_11(onnx::NodeProto node, RaiseStep& step);

// raise_meaning.cpp: the same words mean something else now.
void softmax_to_13(onnx::NodeProto node, RaiseStep& step);
void batch_norm_to_9(onnx::NodeProto node, RaiseStep& step);
void scatter_to_11(onnx::NodeProto node, RaiseStep& step);
void roi_align_to_16(onnx::NodeProto node, RaiseStep& step);
void grid_sample_to_20(onnx::NodeProto node, RaiseStep& step);
void group_norm_to_21(onnx::NodeProto node, RaiseStep& step);
void cannot_raise(onnx::NodeProto node, RaiseStep& step);

}  // namespace quantize
