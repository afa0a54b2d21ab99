#include "observe/scan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "observe/scan.cpp"
#include <hwy/foreach_target.h>  // compiles this file once per instruction set

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace quantize::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// A NaN or an infinity anywhere makes x * 0, summed up, a NaN: no comparison per value is needed to notice it.
void ScanValues(const float* values, std::size_t count, float* result) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  auto min = hn::Set(d, std::numeric_limits<float>::infinity());
  auto max = hn::Set(d, -std::numeric_limits<float>::infinity());
  auto poison = hn::Zero(d);
  const auto zero = hn::Zero(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto v = hn::LoadU(d, values + i);
    min = hn::Min(min, v);
    max = hn::Max(max, v);
    poison = hn::MulAdd(v, zero, poison);
  }
  result[0] = hn::GetLane(hn::MinOfLanes(d, min));
  result[1] = hn::GetLane(hn::MaxOfLanes(d, max));
  result[2] = hn::GetLane(hn::SumOfLanes(d, poison));
  for (; i < count; ++i) {
    result[0] = std::min(result[0], values[i]);
    result[1] = std::max(result[1], values[i]);
    result[2] += values[i] * 0.0F;
  }
}

void BinPlaces(const float* values, std::size_t count, float per_unit, int bins, std::int32_t* places) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> integers;
  const std::size_t lanes = hn::Lanes(d);
  const int zero = bins / 2;
  const auto half = static_cast<float>(zero);
  const auto low = hn::Set(d, -half), high = hn::Set(d, half - 1), scale = hn::Set(d, per_unit);
  const auto middle = hn::Set(integers, zero);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto place = hn::Clamp(hn::Floor(hn::Mul(hn::LoadU(d, values + i), scale)), low, high);
    hn::StoreU(hn::Add(hn::ConvertTo(integers, place), middle), integers, places + i);
  }
  for (; i < count; ++i) places[i] = static_cast<std::int32_t>(std::clamp(std::floor(values[i] * per_unit), -half, half - 1)) + zero;
}

}  // namespace quantize::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace quantize {

HWY_EXPORT(ScanValues);
HWY_EXPORT(BinPlaces);

Extremes scan(std::span<const float> values) {
  float result[3];
  HWY_DYNAMIC_DISPATCH(ScanValues)(values.data(), values.size(), result);
  return {result[0], result[1], result[2] == 0.0F};
}

void bin_places(std::span<const float> values, float per_unit, int bins, std::span<std::int32_t> places) {
  HWY_DYNAMIC_DISPATCH(BinPlaces)(values.data(), values.size(), per_unit, bins, places.data());
}

}  // namespace quantize
#endif
