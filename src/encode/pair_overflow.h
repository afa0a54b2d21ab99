// Where 8-bit integer kernels would cut sums, and how not to. x86 processors without VNNI multiply unsigned activations with signed weights
// two at a time and add each pair in 16 bits (vpmaddubsw): a0 w0 + a1 w1 beyond 32767 is cut without a word, and the same file is less
// accurate there than elsewhere. With weights up to 63 no pair can get that far (2 * 255 * 63 = 32130).
#pragma once

#include <string>
#include <vector>

#include "encode/encodings.h"
#include "ops/target.h"

namespace quantize {

struct NarrowedWeight {
  std::string weight;
  int channels = 0, of = 0;  // output channels restricted now, and how many there are
};

// The largest sum that is let through, and whose kernels add it. ONNX Runtime's go along the taps' input channels, one tap after the other,
// and run a convolution whose result stays float in float, or as a product of unsigned weights that adds no pairs, but for those of the
// plan's integer_products; every transposed one in float. oneDNN's pad the input channels, so that only those of one tap meet, and run all
// of them in integers; what is made for them keeps within either's sums, as ONNX Runtime evaluates it too.
struct PairRule {
  double limit = 32767;
  bool onednn = false;
  bool merged_groups = false;  // there may be zeros in front of a group's channels, so that pairs begin at either of them
};
PairRule pair_rule(const Target& target, double limit);

// Restricts to -63..63 (7 bits, at twice the scale) the output channels of 8-bit weights in which a pair can exceed the limit with the
// largest activations that calibration saw in either input channel; where that is not known channel by channel, with the largest integer
// there is. Depthwise convolutions have other kernels and are left alone, as is what runs in float.
std::vector<NarrowedWeight> avoid_pair_overflow(const Model& model, const Placement& placement, const Statistics& statistics,
                                                Encodings& encodings, const PairRule& rule = {});

}  // namespace quantize
