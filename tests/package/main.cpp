// Calls the stations one by one, as a program that embeds the library does: package_test MODEL prints how many tensors it
// quantized, the signal-to-noise ratio against FP32, and the bytes before and after.
#include <cstddef>
#include <cstdio>
#include <exception>
#include <random>
#include <string>
#include <vector>

#include "base/context.h"
#include "base/files.h"
#include "encode/encodings.h"
#include "encode/pair_overflow.h"
#include "encode/placement.h"
#include "encode/scheme.h"
#include "evaluate/metrics.h"
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

struct Result {
  int quantizers = 0;
  double sqnr_db = 0;  // of the quantized model's first output against FP32
  std::size_t float_bytes = 0, quantized_bytes = 0;
};

// From the bytes of a model to the bytes of the quantized one, nothing but memory in between.
Result quantize_bytes(const std::string& bytes) {
  quantize::Context context;
  context.threads = 2;
  const quantize::Model original = quantize::parse_model(bytes, "a model in memory");
  const auto specs = quantize::Session(original.proto).inputs();
  const auto load = [&](std::size_t index) { return random_inputs(specs, index); };

  quantize::Model model = original;
  const std::vector<std::vector<quantize::Tensor>> inputs = {load(0), load(1)};
  quantize::prepare(model, {}, inputs, context);
  const auto scheme = quantize::Scheme::named("w8a8");
  const auto placement = quantize::place(model, quantize::find_target("ort-cpu"));
  const auto statistics = quantize::calibrate(model, placement.observed(), load, 3, context);
  auto encodings = quantize::encode(model, placement, statistics, scheme, context);
  quantize::avoid_pair_overflow(model, placement, statistics, encodings);  // for processors without VNNI
  const auto quantized = quantize::rewrite(model, placement, encodings);
  quantize::check_model(quantized.proto, "the quantized model");

  Result result{0, 0, bytes.size(), quantize::serialize(quantized.proto).size()};
  const auto input = load(7);
  const auto expected = quantize::Session(original.proto).run(input), got = quantize::Session(quantized.proto).run(input);
  result.sqnr_db = quantize::Energy::of(quantize::float_values(expected[0]), quantize::float_values(got[0])).sqnr_db();
  for (const auto& node : quantized.graph().node()) result.quantizers += node.op_type() == "QuantizeLinear" ? 1 : 0;
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    const Result result = quantize_bytes(quantize::read_file(argv[1]));
    std::printf("%d %.2f %zu %zu\n", result.quantizers, result.sqnr_db, result.float_bytes, result.quantized_bytes);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
