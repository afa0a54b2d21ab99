// Grouped convolutions in a form that runs fast: ONNX Runtime's integer kernel gathers the inputs of every group by themselves, a few bytes
// at a time, and multiplies matrices that are narrower than its vectors. With groups of 4 channels it takes longer than FP32.
#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/model.h"

namespace quantize {

// Several groups as one, whose weights are zero between channels that did not belong together:
//
// BEFORE  Conv <group = G> (x, w [M, C/G, ...])        AFTER  Conv <group = G/n> (x, w' [M, n C/G, ...])
//
// Results are the same, bit for bit. Only for integer convolutions (8-bit weights and input, rounded result) that are not depthwise, where
// a model of the kernel's time (measured on x86-64: 2.5 ns for each group, tap and position that is gathered, 400 products a nanosecond
// with rows padded to 16 and columns to 4) promises a fifth less, and as long as all such weights together grow by no more than an eighth
// of the model's. Returns how many convolutions were changed.
int merge_groups(Model& model);

// The reverse for a weight's integers: those of `planned` shape [M, C/G, ...] with G groups, out of `merged` [M, n C/G, ...]. None where
// the shapes do not belong together or a weight between channels of different groups is not zero.
std::optional<std::vector<std::int64_t>> split_groups(const std::vector<std::int64_t>& values, std::span<const std::int64_t> merged,
                                                      std::span<const std::int64_t> planned, std::int64_t groups);

}  // namespace quantize
