// How far a quantized model may be from the float model it was made from, worked out from the steps of the encodings.
//
// A value put on a grid of step s moves by at most s / 2; at the end of an activation's range by up to s, because the zero point is rounded
// too. Let r_tij be how far element j of an output moves when element i of the quantized tensor t alone moves by one step (up or down,
// whichever is more): it is measured, by running the float model's part behind t. To first order in the steps, then, whatever the signs of
// the roundings,
//     |error_j|  <=  sum over t, i of r_tij
// and, since roundings of different elements are independent and even over the step, the error has the mean square
//     E error_j^2  =  sum over t, i of r_tij^2 / 12
// The first is what no correct model exceeds, the second what a correct model is near; a model of another function exceeds both.
#pragma once

#include <vector>

#include "encode/plan_fixture.h"

namespace quantize::test {

struct OutputBound {
  std::vector<double> largest;      // per element
  std::vector<double> mean_square;  // per element
};

// One per output of the model, at these inputs. Integer outputs get an empty one.
std::vector<OutputBound> error_bounds(const PlannedGraph& plan, const std::vector<Tensor>& inputs);

}  // namespace quantize::test
