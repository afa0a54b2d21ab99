// MULTIPLIERS: an integer kernel brings its sums of 32 bits to the result's integers by input scale * weight scale / result scale, and some
// hardware keeps few bits of that factor. Weight scales are chosen here so that those few are all it has.
#pragma once

#include "encode/encodings.h"
#include "model/graph.h"

namespace quantize {

// What a weight's scale may be: not below `least`, and, where `to_multiplier` is not 0, so that scale * to_multiplier is a number of `bits`
// significant bits (1: a power of two).
struct ScaleRule {
  float least = 0;
  double to_multiplier = 0;
  int bits = 0;

  // The allowed scale next to this one; the smallest allowed one that is not below it. An allowed scale stays as it is.
  [[nodiscard]] float nearest(double scale) const;
  [[nodiscard]] float at_least(double scale) const;
};

// The rule for a weighted operator's scales, with no least one; free where the target keeps all bits (Placement::short_multipliers) or the
// operator does not run on integers.
ScaleRule scale_rule(const GraphIndex& index, const Placement& placement, const Encodings& encodings, const WeightedOp& op);
// The same for a weight: of several operators that read it, the first with a rule has its way.
ScaleRule scale_rule(const GraphIndex& index, const Placement& placement, const Encodings& encodings, const std::string& weight);

// Raises the weight scales of the plan to allowed ones, for the activations' encodings as they are; imported scales are final.
void shorten_multipliers(const GraphIndex& index, const Placement& placement, Encodings& encodings);

// The bias, in steps of input scale * weight scale, for kernels that multiply the two bytes of 16-bit activations one after the other and
// cut what the sums of the lower bytes, and the bias, hold below 256: a multiple of 256 loses nothing itself, and makes up for the half of
// 256 that the sums lose on average.
double bias_for_dropped_byte(double exact);

}  // namespace quantize
