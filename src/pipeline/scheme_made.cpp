#include "pipeline/scheme_made.h"

#include <bit>
#include <set>

namespace quantize {
namespace {

int bits_of(const Encoding& encoding) {
  const IntegerRange range = integer_range(encoding.type);
  return std::bit_width(static_cast<unsigned>(range.high - range.low));
}

// Of all that the plan quantizes. Pixels are 8 bits in every scheme.
Assignment bits_of(const Plan& plan) {
  Assignment bits;
  for (const auto& [number, op] : plan.placement.weighted) {
    const auto& node = plan.placement.decisions[static_cast<std::size_t>(number)].node;
    bits.weights[node] = bits_of(plan.encodings.weights.at(op.weight));
  }
  for (const auto& group : plan.placement.groups) {
    if (!group.is_pixels) bits.activations[group.name()] = bits_of(plan.encodings.activations.at(group.members[0]));
  }
  return bits;
}

// The first weight or activation with other bits than the scheme and its exceptions give it: "'conv1' has weights of 4 bits".
std::string first_other(const Plan& plan, const Scheme& scheme) {
  for (const auto& [number, op] : plan.placement.weighted) {
    const int bits = bits_of(plan.encodings.weights.at(op.weight));
    if (bits == scheme_for_weight(scheme, plan.placement, op.weight).weight_bits) continue;
    return "'" + plan.placement.decisions[static_cast<std::size_t>(number)].node + "' has weights of " + std::to_string(bits) + " bits";
  }
  for (const auto& group : plan.placement.groups) {
    const int bits = bits_of(plan.encodings.activations.at(group.members[0]));
    if (bits != scheme_for_activations(scheme, group).activation_bits)
      return "activation '" + group.name() + "' has " + std::to_string(bits) + " bits";
  }
  return "";
}

std::string joined(const std::string& kind, const std::map<std::string, int>& all) {
  std::set<int> found;
  for (const auto& [name, bits] : all) found.insert(bits);
  std::string text;
  for (const int bits : found) text += (text.empty() ? kind : "/") + std::to_string(bits);
  return text;
}

}  // namespace

std::string scheme_made(Run& run, const Options& options, Context& context) {
  const auto other = first_other(run.plan, run.scheme);
  if (other.empty()) return options.scheme.name;
  const Assignment bits = bits_of(run.plan);
  auto& exceptions = run.scheme.exceptions;
  for (const auto& [node, given] : bits.weights) exceptions.weights[node] = given;  // nodes left float stay so
  exceptions.activations = bits.activations;
  const std::string made = joined("w", bits.weights) + joined("a", bits.activations);
  const auto& file = run.overrides.empty() ? options.encodings : options.import_encodings;
  context.warn("the encodings in " + file.string() + " make this " + made + ", not --scheme " + options.scheme.name +
               " throughout: " + other);
  return made;
}

}  // namespace quantize
