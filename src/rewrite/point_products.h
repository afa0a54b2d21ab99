// 1x1 convolutions whose result stays float, in a form that runs on integers: ONNX Runtime has no integer convolution with a float result,
// dequantizes what such a one reads and computes it in float, but it has such a matrix product (QGemm).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/model.h"
#include "model/tensor.h"

namespace quantize {

// What a replaced convolution reads, integers of 8 bits, and what it makes.
struct PointProduct {
  std::string from, to;
};

// BEFORE  Conv (DQ (q), DQ (w [M, C, 1, 1]), DQ (b)) -> y
// AFTER   q -> Transpose (channels last) -> Reshape [positions, C] -> DQ -> Gemm (., DQ (w' [C, M]), DQ (b)) -> Reshape -> Transpose -> y
//
// w' has the type of q. Where that is unsigned, w' = w + 128 with zero point 128: the same values, but without sums of pairs in 16 bits on
// processors without VNNI (pair_overflow.h), which a float layer did not have either.
//
// Only with 8-bit weights and input, one group, stride 1, no padding, and known channels, height and width; the last layer before logits is
// usually one. The same values but for the last bits of float sums; where the convolutions before run on integers, too, the first Transpose
// meets one that the runtime put behind them, and both go. Returns those that were replaced.
std::vector<PointProduct> multiply_points(Model& model);

// Whether the products alone, in `after`, make the same of random integers as the convolutions in `before` did; to the last bits. Behind
// them, where values are rounded, a last bit can become a step.
bool are_same_products(const Model& before, const Model& after, std::span<const PointProduct> products);

// The zero point of a product's weights, which are signed bytes by their values, as they are stored in `type`.
std::int32_t product_weight_zero(ElementType type);

// The reverse for a weight's integers: signed [M, C, 1, 1] out of [C, M] of `type`. None where the shapes do not belong together.
std::optional<std::vector<std::int64_t>> convolution_weight(const std::vector<std::int64_t>& values, ElementType type,
                                                            std::span<const std::int64_t> product, std::span<const std::int64_t> planned);

}  // namespace quantize
