// One weight tensor with everything that is needed to fit it: how its readers see it as a matrix, and the moments of their inputs.
#pragma once

#include <vector>

#include "base/context.h"
#include "encode/encodings.h"
#include "encode/placement.h"
#include "optimize/columns.h"
#include "optimize/fit_layer.h"
#include "optimize/moments.h"

namespace quantize {

// One weighted operator that reads the weight.
struct Reader {
  const WeightedOp* op;
  ColumnView view;
  LayerMoments moments;
  std::vector<float> bias;  // empty where it has none of its own
};

// Fits the weight (shape as the readers' views say) to all its readers together: the fit sees the sum of their moments, the judge the sum
// of their errors, so that plain rounding stays where sharing leaves nothing better. Changes `values`, the scales of `encoding` (where each
// row has its own) and the readers' biases, which take up the mean that the new weights lose on the new inputs. `rules`: per output
// channel, what its scale may be.
void fit_weight(std::vector<Reader>& readers, std::vector<float>& values, Encoding& encoding, const std::vector<ScaleRule>& rules,
                const FitSettings& settings, bool correct_bias, const Context& context);

}  // namespace quantize
