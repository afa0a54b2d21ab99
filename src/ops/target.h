// What the runtime that will run the model likes, as data. A new target is one more row of targets().
#pragma once

#include <onnx/onnx_pb.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace quantize {

// Time of one multiply-accumulate relative to FP32 on the same target: rough, for weighing one layer against another.
struct Speed {
  double bits8 = 0.25;  // weights of 8 bits, activations of 8 bits in and out
  double bits4 = 0.25;  // the same with weights of 4 bits
  double wide = 0.5;    // any activation of 16 bits
  double floating = 1;  // not quantized
};

// Which inputs of a Concat share its output's encoding: none, those that nothing else reads (they would be rounded twice), or all, where
// the runtime wants that.
enum class ConcatSharing { none, lone_inputs, all };

struct Target {
  std::string name, summary;
  std::set<std::string> float_operators;  // operators without an integer kernel there: left float, though the op table could quantize them
  std::set<std::string> sharing = {};     // arithmetic operators whose input and output must share one encoding ("Resize:linear")
  ConcatSharing concat = ConcatSharing::none;
  bool pairs_in_16_bits = false;  // 8-bit products may be added in pairs in 16 bits, cutting what does not fit (pair_overflow.h)
  bool onednn_kernels = false;    // its 8-bit kernels are oneDNN's, whose pairs and whose choice of operators differ
  bool knows_gelu = false;        // and is faster by it than by what opsets before 20 write out
  bool split_prelu = false;       // its kernel for PRelu is slow
  std::set<std::string> integer_activations = {};  // operators among those that run on integers between convolutions (integer_activation.h)
  bool sums_follow_readers = false;  // an Add or Concat that only float operators read stays float: its result is not rounded once more
  bool computes_constants = false;   // when it loads a model: small files may leave that to it
  bool resize_by_products = false;   // its kernel for a linear Resize is slower than two matrix products
  bool merge_groups = false;         // its integer kernel is slow for convolutions with many small groups
  bool point_products = false;       // a 1x1 convolution with a float result is a float one there, a matrix product is not
  bool quantize_outputs =
      true;  // whether graph outputs are quantized: 8 bits for the logits cost more accuracy than one float layer costs time
  bool integer_outputs = false;        // every float output must be quantized, so that its integers can be given
  bool symmetric_activations = false;  // signed integers with zero point 0
  bool float_biases = false;           // biases stay float: the runtime has no int32 DequantizeLinear
  bool short_multipliers = false;      // its kernels keep few bits of input scale * weight scale / result scale (multiplier.h)
  bool drops_low_byte = false;         // its kernels cut the sums of the lower bytes of 16-bit activations, and the bias (multiplier.h)
  bool explicit_weight_zeros = false;  // weights carry zero points, though they are zero: it misreads 4-bit weights without
  bool weight_zero_points = false;     // 4-bit weights may have zero points per channel other than 0
  bool shortens_products = false;      // it rounds 16-bit activations of matrix products to 8 bits, where weights have axis 1
  // Quantized is what weighted operators read; their results are quantized only where another of them reads them, because the runtime
  // computes the Relu or Add that follows in the same kernel.
  bool fuses_what_follows = false;
  bool channel_scales = false;    // QuantizeLinear of a graph input may have a scale per channel
  bool block_scales = false;      // weights may have a scale per block of input channels
  bool wide_activations = true;   // activations may have 16 bits
  bool drops_wide_pairs = false;  // it removes 16-bit Q/DQ pairs, and with them the saturation that stood for a Relu or Clip
  std::string provider = {};      // what runs it, in the form of --provider; empty: ONNX Runtime's CPU provider
  bool compiles = false;          // the provider compiles ahead of time
  std::map<std::string, std::string> refused = {};  // scheme -> why the runtime cannot compute it
  Speed speed = {};
};

// Whether a node's operator is among these, by its type or by its type and mode: "Resize", "Resize:linear".
bool named_in(const std::set<std::string>& operators, const onnx::NodeProto& node);

const std::vector<Target>& targets();
// Throws Error{usage} listing the names.
const Target& find_target(const std::string& name);

}  // namespace quantize
