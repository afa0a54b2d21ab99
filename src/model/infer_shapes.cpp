#include "model/infer_shapes.h"

#include <onnx/defs/shape_inference.h>
#include <onnx/shape_inference/implementation.h>

#include <map>
#include <string>

namespace quantize {
namespace {

// Number of the weight among a convolution's inputs; the data is number 0.
const std::map<std::string, std::size_t> weight_inputs = {{"Conv", 1}, {"ConvInteger", 1}, {"DeformConv", 1}, {"QLinearConv", 3}};

// ONNX's own schemas, but for what they do with convolutions that no runtime takes.
class Schemas : public onnx::ISchemaRegistry {
 public:
  const onnx::OpSchema* GetSchema(const std::string& type, const int opset, const std::string& domain) const override {
    const auto* schema = onnx::OpSchemaRegistry::Instance()->GetSchema(type, opset, domain);
    const auto weight = weight_inputs.find(type);
    if (schema == nullptr || weight == weight_inputs.end() || !schema->has_type_and_shape_inference_function()) return schema;
    const auto [guarded, fresh] = guarded_.try_emplace(schema, *schema);
    if (fresh) guard(guarded->second, weight->second);
    return &guarded->second;
  }

 private:
  static void guard(onnx::OpSchema& schema, std::size_t weight) {
    schema.TypeAndShapeInferenceFunction([infer = schema.GetTypeAndShapeInferenceFunction(), weight](onnx::InferenceContext& context) {
      const bool known = onnx::hasInputShape(context, 0) && onnx::hasInputShape(context, weight);
      if (known && onnx::getInputShape(context, 0).dim_size() != onnx::getInputShape(context, weight).dim_size())
        fail_shape_inference("the input and the weight of a convolution are of different rank");
      infer(context);
    });
  }

  mutable std::map<const onnx::OpSchema*, onnx::OpSchema> guarded_;
};

}  // namespace

void infer_shapes(onnx::ModelProto& model, bool of_values) {
  const Schemas schemas;
  onnx::shape_inference::InferShapes(model, &schemas, onnx::ShapeInferenceOptions(false, 0, of_values));
}

}  // namespace quantize
