// What an assignment costs, estimated without making the model: its file's size from the types, its time from counted operations.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "encode/encodings.h"
#include "mixed/goals.h"
#include "observe/calibrate.h"
#include "ops/target.h"

namespace quantize {

// Multiply-accumulates of each weighted node for one sample, from the shapes that a run shows.
std::vector<double> count_operations(const Model& model, const Placement& placement, const LoadSample& load);

class CostModel {
 public:
  // `placement` is the one without nodes left float; `base_bytes` is the size of the file when every bit is the scheme's (file_bytes.h),
  // `fp32_bytes` that of the float model's. All are kept by reference where they are no numbers.
  CostModel(const Model& model, const Placement& placement, const Scheme& scheme, const Speed& speed, std::vector<double> operations,
            std::uint64_t base_bytes, std::uint64_t fp32_bytes);

  // The scheme's own exceptions do not count, only those given.
  [[nodiscard]] Cost of(const Assignment& assignment) const;

 private:
  struct Layer {
    std::string node;
    std::vector<std::string> activations;  // first members of the groups it reads and makes
    double operations = 0, elements = 0;
    bool whole = true;  // its input and its result are quantized
  };
  [[nodiscard]] double time_of(const Layer& layer, const Assignment& assignment) const;

  const Scheme& scheme_;
  Speed speed_;
  std::vector<Layer> layers_;
  double base_bytes_, fp32_bytes_, operations_ = 0;
};

}  // namespace quantize
