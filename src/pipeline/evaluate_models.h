// Two models, one set of images: how far the second is from the first. Whoever made the second.
#pragma once

#include "pipeline/stages.h"

namespace quantize {

// options.model against options.quantized on options.test; writes the reports named after options.output. Steps, layers and decisions stay
// empty: inner tensors of a model made elsewhere need not carry the same values as those of the first. Integers of a first output are
// compared as the floats that its metadata say they stand for; Error{model} where they do not say.
Outcome evaluate_models(const Options& options, Context& context);

}  // namespace quantize
