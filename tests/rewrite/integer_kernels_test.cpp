// What ONNX Runtime makes of the rewritten graph: a model whose nodes are not fused into integer kernels is correct, small and slow.
#include <gtest/gtest.h>
#include <onnxruntime_cxx_api.h>
#include <unistd.h>

#include "encode/plan_fixture.h"
#include "rewrite/rewrite.h"

namespace quantize::test {
namespace {

Model optimized_by_runtime(const Model& model) {
  const auto path = std::filesystem::temp_directory_path() / ("quantize_optimized_" + std::to_string(getpid()) + ".onnx");
  Ort::Env env(ORT_LOGGING_LEVEL_ERROR, "test");
  Ort::SessionOptions options;
  options.SetIntraOpNumThreads(1);
  options.SetGraphOptimizationLevel(ORT_ENABLE_EXTENDED);  // without the layouts of this very processor
  options.SetOptimizedModelFilePath(path.c_str());
  const std::string bytes = serialize(model.proto);
  const Ort::Session session(env, bytes.data(), bytes.size(), options);
  Model optimized;
  optimized.proto.ParseFromString(read_file(path));
  std::filesystem::remove(path);
  return optimized;
}

Model optimized_text(std::string_view text, Scheme scheme = scheme_named("w8a8")) {
  const auto plan = plan_graph(text_model_for(scheme, text), scheme);
  return optimized_by_runtime(rewrite(plan.prepared, plan.placement, plan.encodings));
}

TEST(IntegerKernels, ResidualNet) {
  const Model optimized = optimized_text(residual_graph);
  EXPECT_EQ(count_nodes(optimized, "Conv"), 1);  // the last one makes the model's float output
  EXPECT_EQ(count_nodes(optimized, "QLinearConv"), 2);
  EXPECT_EQ(count_nodes(optimized, "QLinearAdd"), 1);
  EXPECT_EQ(count_nodes(optimized, "Add"), 0);
  EXPECT_EQ(count_nodes(optimized, "QuantizeLinear"), 1);  // the input only
  EXPECT_EQ(count_nodes(optimized, "Relu"), 0);
}

// Left alone, ONNX Runtime would quantize the weights of the excluded layer per tensor.
TEST(IntegerKernels, AnExcludedLayerStaysFloatBetweenQuantizedOnes) {
  for (const char* layer : {"c = Conv <pads = [1,1,1,1]> (r, v, d)", "c = ConvTranspose <pads = [1,1,1,1]> (r, v, d)"}) {
    const Model model = text_model(
        R"(g (float[1,8,8,8] x) => (float[1,8,8,8] y) <float[8,8,1,1] w, float[8,8,3,3] v, float[8] d, float[8,8,1,1] u, float[8,8,1,1] t> {
      a = Conv (x, w)
      r = Relu (a)
      )" +
        std::string(layer) + R"(
      e = Relu (c)
      f = Conv (e, u)
      y = Conv (f, t)
    })");
    const auto plan = plan_graph(model, scheme_named("w8a8"), find_target("ort-cpu"), {.nodes = {"c"}, .op_types = {}, .patterns = {}});
    const Model result = rewrite(plan.prepared, plan.placement, plan.encodings), optimized = optimized_by_runtime(result);
    for (const auto& tensor : optimized.graph().initializer()) {
      if (tensor.dims_size() == 4 && tensor.dims(2) == 3) EXPECT_EQ(tensor.data_type(), onnx::TensorProto::FLOAT) << layer;
    }
    EXPECT_EQ(count_nodes(optimized, "QLinearConv"), 2) << layer;
    EXPECT_EQ(count_nodes(result, "Sum"), 1) << layer;
  }
}

TEST(IntegerKernels, ClipSixNet) {
  const Model optimized = optimized_text(
      R"(g (float[1,8,8,8] x) => (float[1,8,8,8] y) <float[8,8,1,1] w, float[8,1,3,3] v, float[8,8,1,1] u, float l = {0}, float h = {6}> {
    a = Conv (x, w)
    b = Clip (a, l, h)
    c = Conv <group = 8, pads = [1,1,1,1]> (b, v)
    d = Clip (c, l, h)
    y = Conv (d, u)
  })");
  EXPECT_EQ(count_nodes(optimized, "QLinearConv"), 2);
  EXPECT_EQ(count_nodes(optimized, "Clip"), 0);
  EXPECT_EQ(count_nodes(optimized, "QuantizeLinear"), 1);
}

TEST(IntegerKernels, ConcatAndMaxPool) {
  const Model optimized =
      optimized_text(R"(g (float[1,8,8,8] x) => (float[1,8,4,4] y) <float[8,8,1,1] w, float[8,8,1,1] v, float[8,16,1,1] u> {
    a = Conv (x, w)
    b = Conv (x, v)
    c = Concat <axis = 1> (a, b)
    p = MaxPool <kernel_shape = [2,2], strides = [2,2]> (c)
    y = Conv (p, u)
  })");
  EXPECT_EQ(count_nodes(optimized, "QLinearConv"), 2);
  EXPECT_EQ(count_nodes(optimized, "QLinearConcat"), 1);
  EXPECT_EQ(count_nodes(optimized, "QuantizeLinear"), 1);
}

TEST(IntegerKernels, TheFloatModelHasNone) {
  const Model optimized = optimized_by_runtime(text_model(residual_graph));
  EXPECT_EQ(count_nodes(optimized, "QLinearConv"), 0);
}

}  // namespace
}  // namespace quantize::test
