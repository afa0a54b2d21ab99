// 1x1 convolutions whose result stays float, in a form that runs on integers: ONNX Runtime has no integer convolution with a float result,
// dequantizes what such a one reads and computes it in float, but it has such a matrix product (MatMulIntegerToFloat).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/model.h"

namespace quantize {

// BEFORE  Conv (DQ (q), DQ (w [M, C, 1, 1]), b) -> y        AFTER  q -> Transpose (channels last) -> DQ -> MatMul (., DQ (w' [C, M]))
//                                                                   -> Transpose (channels second) -> Add b -> y
//
// w' = w + 128, unsigned with zero point 128: the same values, but without sums of pairs in 16 bits on processors without VNNI
// (pair_overflow.h), which a float layer did not have either.
//
// Only with 8-bit weights and input, one group, stride 1, no padding, known shapes, and where there are enough values to dequantize; the
// last layer before logits is usually one. The same values but for the last bits of float sums; where the convolutions before run on
// integers, too, the first Transpose meets one that the runtime put behind them, and both go. Returns how many were replaced.
int multiply_points(Model& model);

// The reverse for a weight's integers: signed [M, C, 1, 1] out of unsigned [C, M]. None where the shapes do not belong together.
std::optional<std::vector<std::int64_t>> convolution_weight(const std::vector<std::int64_t>& values, std::span<const std::int64_t> product,
                                                            std::span<const std::int64_t> planned);

}  // namespace quantize
