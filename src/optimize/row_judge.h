// What a candidate for a layer's weights is judged by, row by row: its error on data that the fit has not seen.
#pragma once

#include <functional>
#include <vector>

#include "base/context.h"
#include "optimize/moments.h"

namespace quantize {

// Per row, the error of these weights on data the fit has not seen, up to a constant.
using RowJudge = std::function<std::vector<double>(const Matrix& weights, const Context& context)>;
// E|w x_fp - q x_q|^2 with the layer's FP32 weights `w`: from moments, or from columns where those are fewer.
RowJudge row_judge(const Matrix& w, const GroupMoments& moments, const Context& context);
RowJudge row_judge(const Matrix& w, const GroupColumns& columns, const Context& context);

}  // namespace quantize
