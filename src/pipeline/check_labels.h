// What can be seen of the labels before anything is computed.
#pragma once

#include <bitset>
#include <filesystem>

#include "base/context.h"
#include "dataset/sample_source.h"
#include "evaluate/metrics.h"

namespace quantize {

using LabelValues = std::bitset<256>;  // the numbers that occur in any of them

// Reads the label of every test image. Throws Error{data} where one is missing, unreadable, or of other proportions than its picture and
// than the model's input, which masks are made for too; warns of those that only have another size than their picture.
LabelValues check_labels(const SampleSource& test, const std::filesystem::path& folder, Context& context);

// Masks as editors draw them, of 0 and 255: 255 is void, and nothing but the background would count. Throws Error{data} where these are
// such, and the model, run on the first test image, tells two classes apart: a set without any foreground says nothing of such a model
// either.
void refuse_masks_of_255(const LabelValues& values, const onnx::ModelProto& model, const SampleSource& test, ClassAxis axis,
                         const std::filesystem::path& folder);

}  // namespace quantize
