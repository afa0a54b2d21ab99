// What an assignment costs, estimated without making the model: its file's size from the types, its time from counted operations.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "encode/encodings.h"
#include "mixed/goals.h"
#include "mixed/units.h"
#include "observe/calibrate.h"
#include "ops/target.h"

namespace quantize {

// Multiply-accumulates of each weighted node for what one sample feeds, a fixed batch included, from the shapes that a run shows.
std::vector<double> count_operations(const Model& model, const Placement& placement, const LoadSample& load);

class CostModel {
 public:
  // `placement` is the one without nodes left float; `base_bytes` is the size of the file when every bit is the scheme's (file_bytes.h),
  // `fp32_bytes` that of the float model's. The scheme is kept by reference.
  CostModel(const Model& model, const Placement& placement, const Scheme& scheme, const Speed& speed, std::vector<double> operations,
            std::uint64_t base_bytes, std::uint64_t fp32_bytes);

  // The scheme's own exceptions do not count, only those given.
  [[nodiscard]] Cost of(const Assignment& assignment) const;

 private:
  friend class RunningCost;
  struct Weight {
    std::vector<std::string> nodes;  // that read it
    double elements = 0;
  };
  struct Layer {
    std::size_t weight = 0;                // its number
    std::vector<std::size_t> activations;  // numbers of the groups it reads and makes
    double operations = 0;
    bool whole = true;  // its input and its result are quantized
  };
  struct Bits {
    std::vector<int> weights, activations;  // by number
  };
  // A weight is stored with the most bits that a node which reads it is given.
  [[nodiscard]] Bits bits_of(const Assignment& assignment) const;
  [[nodiscard]] double bytes_of(std::size_t weight, int bits) const;  // beyond those with the scheme's bits
  [[nodiscard]] double time_of(const Layer& layer, const Bits& bits) const;
  [[nodiscard]] Cost total(const std::vector<double>& bytes, const std::vector<double>& times) const;

  const Scheme& scheme_;
  Speed speed_;
  std::vector<Weight> weights_;
  std::vector<Layer> layers_;
  std::map<std::string, std::size_t> weight_of_;  // by the name of a node that reads it
  std::map<std::string, std::size_t> group_of_;   // by member
  std::size_t groups_ = 0;
  double base_bytes_, fp32_bytes_, operations_ = 0;
};

// The cost of an assignment that grows raise by raise. What one more would add is known from the layers that it touches.
class RunningCost {
 public:
  explicit RunningCost(const CostModel& model);  // kept by reference

  [[nodiscard]] const Cost& now() const { return now_; }
  [[nodiscard]] Cost added_by(const Unit& unit, int bits);
  // The same as now() will be after raise(), to the last bit; takes a look at all layers.
  [[nodiscard]] Cost with(const Unit& unit, int bits);
  void raise(const Unit& unit, int bits);
  // Of the layers whose time the unit's bits decide.
  [[nodiscard]] const std::vector<std::size_t>& touched_by(const Unit& unit) const;

 private:
  [[nodiscard]] int& bits_of(const Unit& unit);

  const CostModel& model_;
  CostModel::Bits bits_;
  std::vector<double> bytes_, times_;  // by weight, by layer
  std::vector<std::vector<std::size_t>> layers_of_weight_, layers_of_group_;
  Cost now_;
};

}  // namespace quantize
