// 1x1 convolutions whose result stays float, in a form that runs on integers: ONNX Runtime has no integer convolution with a float result,
// dequantizes what such a one reads and computes it in float, but it has such a matrix product (QGemm).
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "encode/placement.h"
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
// Signed weights are multiplied fastest (on processors with AMX eight times as fast as unsigned ones), but on processors without VNNI sums
// of their pairs are cut (pair_overflow.h). Where the convolution's result is in `within_pairs`, the weights keep to that, and w' = w;
// others are stored as w' = w + 128, unsigned with zero point 128: the same values, and no pairs. Logits are such: one bit less costs a
// decibel there.
//
// Only with 8-bit weights and an unsigned 8-bit input, one group, stride 1, no padding, and known channels, height and width; the last
// layer before logits is usually one. The same values but for the last bits of float sums; where the convolutions before run on integers,
// too, the first Transpose meets one that the runtime put behind them, and both go. Returns those that were replaced.
std::vector<PointProduct> multiply_points(Model& model, const std::set<std::string>& within_pairs);

// The results of the plan's integer_products, which avoid_pair_overflow() has seen to; with `all`, of every convolution.
std::set<std::string> results_within_pairs(const Model& prepared, const Placement& placement, bool all);

// Whether each of the products alone, in `after`, makes the same of random integers as the convolution in `before` did, to the last bits.
// Behind them, where values are rounded, a last bit can become a step.
bool are_same_products(const Model& before, const Model& after, std::span<const PointProduct> products);

// The zero point of a product's weights of this type.
std::int32_t product_weight_zero(ElementType type);

// The reverse for a weight's integers: [M, C, 1, 1] out of [C, M] of `type`. None where the shapes do not belong together.
std::optional<std::vector<std::int64_t>> convolution_weight(const std::vector<std::int64_t>& values, ElementType type,
                                                            std::span<const std::int64_t> product, std::span<const std::int64_t> planned);

}  // namespace quantize
