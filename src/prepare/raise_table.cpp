#include <map>
#include <utility>

#include "prepare/raise_step.h"

namespace quantize {

RaiseFunction find_raise(const std::string& op_type, std::int64_t version) {
  static const std::map<std::pair<std::string, std::int64_t>, RaiseFunction> table = {
      {{"BatchNormalization", 9}, batch_norm_to_9},
      {{"Scan", 9}, cannot_raise},  // lost its batch axis
      {{"Upsample", 9}, upsample_to_9},
      {{"Slice", 10}, slice_to_10},
      {{"TopK", 10}, top_k_to_10},
      {{"Upsample", 10}, upsample_to_10},
      {{"Clip", 11}, clip_to_11},
      {{"Pad", 11}, pad_to_11},
      {{"Resize", 11}, resize_to_11},
      {{"Scatter", 11}, scatter_to_11},
      {{"Dropout", 12}, dropout_to_12},
      {{"Hardmax", 13}, softmax_to_13},
      {{"LogSoftmax", 13}, softmax_to_13},
      {{"Softmax", 13}, softmax_to_13},
      {{"ReduceSum", 13}, axes_to_input},
      {{"Split", 13}, split_to_13},
      {{"Squeeze", 13}, axes_to_input},
      {{"Unsqueeze", 13}, axes_to_input},
      {{"RoiAlign", 16}, roi_align_to_16},
      {{"ReduceL1", 18}, axes_to_input},
      {{"ReduceL2", 18}, axes_to_input},
      {{"ReduceLogSum", 18}, axes_to_input},
      {{"ReduceLogSumExp", 18}, axes_to_input},
      {{"ReduceMax", 18}, axes_to_input},
      {{"ReduceMean", 18}, axes_to_input},
      {{"ReduceMin", 18}, axes_to_input},
      {{"ReduceProd", 18}, axes_to_input},
      {{"ReduceSumSquare", 18}, axes_to_input},
      {{"Split", 18}, split_to_18},
      {{"DFT", 20}, dft_to_20},
      {{"GridSample", 20}, grid_sample_to_20},
      {{"GroupNormalization", 21}, group_norm_to_21},
  };
  const auto found = table.find({op_type, version});
  return found != table.end() ? found->second : nullptr;
}

}  // namespace quantize
