// Range rules: statistics of one tensor -> the interval its encoding should cover. Pure functions of numbers.
#pragma once

#include "encode/scheme.h"
#include "observe/statistics.h"

namespace quantize {

struct Range {
  double low = 0, high = 0;
};

// Exactly the values seen.
Range minmax_range(const TensorStatistics& statistics);
// The smallest interval that leaves out (100 - percent)/2 percent of the values at each end.
Range percentile_range(const TensorStatistics& statistics, double percent);
// What errors count for.
struct ErrorWeights {
  double cut = 1;       // of clipping, against those of rounding
  double negative = 1;  // of negative values: less than one where what reads them scales them down
};
// The interval with the least expected squared error: clipping error of the values outside plus step^2/12 of those inside; `levels` values
// can be told apart. (OMSE, Choukroun et al. 2019; "TF-enhanced" in AIMET)
Range mse_range(const TensorStatistics& statistics, int levels, const ErrorWeights& weights = {});
// The one of automatic ranges. Rounding errors average out in the operator that reads them; the errors of clipping sit together, in a few
// channels of a few pictures, with one sign: least squares as such ruins the pictures that reach further than most. The more clipping
// counts, the better the worst picture of twenty networks (6 to 30: 1.5 dB, to 150: 2.3 dB, 11 on one that no calibration picture was like)
// and the lower their mean (0.4 and 0.5 dB, 1.5 on one); between 10 and 20 both are above those of the best peer on most.
constexpr double clipping_weight = 15;
// The interval whose quantized distribution has the least Kullback-Leibler divergence from the one seen (Migacz, TensorRT, GTC 2017), on up
// to 2048 bins a side; `levels` as above.
Range entropy_range(const TensorStatistics& statistics, int levels);

// The values seen, and a quarter more at either end.
Range roomy_range(const TensorStatistics& statistics);

// Whether the scheme's ranges reach that far: with 16 bits, where none is asked for.
bool has_room(const Scheme& scheme);

// One of the above, by the scheme. `negative`: see ErrorWeights; for automatic ranges.
Range choose_range(const TensorStatistics& statistics, const Scheme& scheme, double negative = 1);

// Expected squared error per value of quantizing to `levels` values over `range`, weighed as above (mse_range's objective).
double expected_error(const TensorStatistics& statistics, const Range& range, int levels, const ErrorWeights& weights = {});

}  // namespace quantize
