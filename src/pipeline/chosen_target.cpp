#include "pipeline/chosen_target.h"

namespace quantize {

bool pairs_matter(const Options& options) { return find_target(options.target).pairs_in_16_bits && options.cpu != Cpu::vnni; }

Target target_of(const Options& options) {
  Target target = find_target(options.target);
  target.quantize_outputs |= options.quantize_outputs;
  // Of unsigned bytes, and not where encodings of tensors are exchanged that would no longer be rounded, or no longer alone.
  const bool bytes =
      options.scheme.activation_bits == 8 && options.scheme.activations == Symmetry::asymmetric && !exchanges_encodings(options);
  if (!bytes) target.integer_activations.clear();
  if (options.without.contains("integer-prelu")) target.integer_activations.erase("PRelu");
  if (options.without.contains("integer-hard-swish")) target.integer_activations.erase("HardSwish");
  if (!options.import_encodings.empty() && target.concat == ConcatSharing::lone_inputs) target.concat = ConcatSharing::none;
  target.point_products &= bytes && !options.without.contains("point-products");
  target.weight_zero_points &= !exchanges_encodings(options) && !options.without.contains("weight-zero-points");
  target.integer_outputs = options.output_type == OutputType::integers;
  return target;
}

Target target_to_write_for(Target target, const Options& options) {
  target.merge_groups &= !options.without.contains("merge-groups");
  target.resize_by_products &= !options.without.contains("resize-by-products");
  return target;
}

}  // namespace quantize
