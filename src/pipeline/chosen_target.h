// What the result is for, as the options have it.
#pragma once

#include "ops/target.h"
#include "pipeline/options.h"

namespace quantize {

// The target with the settings that the options change.
Target target_of(const Options& options);
// The same without what options.without leaves out of the file in the end. Weights do not depend on it: they are the same with and without.
Target target_to_write_for(Target target, const Options& options);
// Whether the file may run where products of 8 bits are added in pairs in 16 bits, see pair_overflow.h.
bool pairs_matter(const Options& options);

}  // namespace quantize
