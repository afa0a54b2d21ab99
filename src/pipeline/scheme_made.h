// Encodings from elsewhere bring their own bits: what they make of the model is said, not what was asked for.
#pragma once

#include <string>

#include "pipeline/stages.h"

namespace quantize {

// The scheme's name, where weights and activations have its bits, and the exceptions'. Where they have others, "w8a8" or, of several bits,
// "w4/8a16", with a warning; the exceptions of run.scheme then become those bits, as they would be saved in an assignment.
std::string scheme_made(Run& run, const Options& options, Context& context);

}  // namespace quantize
