// Calls the stations one by one, as a program that embeds the library does: package_test MODEL prints how many tensors it quantized.
#include <cstddef>
#include <cstdio>
#include <exception>
#include <random>
#include <vector>

#include "base/context.h"
#include "encode/encodings.h"
#include "encode/placement.h"
#include "encode/scheme.h"
#include "model/model.h"
#include "observe/calibrate.h"
#include "ops/target.h"
#include "prepare/prepare.h"
#include "rewrite/rewrite.h"
#include "run/session.h"

namespace {

std::vector<quantize::Tensor> random_inputs(const std::vector<quantize::ValueSpec>& specs, std::size_t seed) {
  std::mt19937 generator(static_cast<std::mt19937::result_type>(seed));
  std::normal_distribution<float> normal;
  std::vector<quantize::Tensor> inputs;
  for (const auto& spec : specs) {
    auto tensor = quantize::Tensor::zeros(spec.type, spec.shape);
    for (float& value : tensor.as<float>()) value = normal(generator);
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

int count_quantizers(const char* path) {
  quantize::Context context;
  quantize::Model model = quantize::load_model(path);
  const auto specs = quantize::Session(model.proto).inputs();
  const auto load = [&](std::size_t index) { return random_inputs(specs, index); };
  const std::vector<std::vector<quantize::Tensor>> inputs = {load(0), load(1)};
  quantize::prepare(model, {}, inputs, context);

  const auto scheme = quantize::Scheme::named("w8a8");
  const auto placement = quantize::place(model, quantize::find_target("ort-cpu"));
  const auto statistics = quantize::calibrate(model, placement.observed(), load, 3, context);
  const auto encodings = quantize::encode(model, placement, statistics, scheme, context);
  const auto quantized = quantize::rewrite(model, placement, encodings);
  quantize::check_model(quantized.proto, "the quantized model");
  static_cast<void>(quantize::Session(quantized.proto).run(load(0)));

  int count = 0;
  for (const auto& node : quantized.graph().node()) count += node.op_type() == "QuantizeLinear" ? 1 : 0;
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    std::printf("%d\n", count_quantizers(argv[1]));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
