// The main job in parts: each takes up what the one before it left in a file. With the same options the parts together make the same model,
// byte for byte, as quantize_model().
#pragma once

#include "formats/encodings_file.h"
#include "formats/statistics_file.h"
#include "pipeline/stages.h"

namespace quantize {

// Observes options.shard of the calibration images.
StatisticsFile calibrate_model(const Options& options, Context& context);

// Encodings from options.statistics. From -O1 on the model may have to be equalized first, which needs the calibration images.
EncodingsFile encode_model(const Options& options, Context& context);

// The model from options.statistics, or from options.encodings as they are; both and the calibration images are needed from -O1 on, test
// images only for the report.
// Throws Error{data} with the reason where the file does not belong to this model, these images or these options.
Outcome apply_to_model(const Options& options, Context& context);

}  // namespace quantize
