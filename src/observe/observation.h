// One division of the threads with the model loaded for it: observers in the graph, and what they have gathered.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/context.h"
#include "model/model.h"
#include "observe/calibrate.h"

namespace quantize {

// How threads are divided: so many samples at once, on so many threads each.
struct Division {
  unsigned samples, threads;
};

class Observation {
 public:
  Observation(const Model& model, std::span<const std::string> tensors, Division division);
  Observation(const Observation&) = delete;
  Observation& operator=(const Observation&) = delete;
  ~Observation();

  // Samples [begin, end). One at a time, the next is decoded and resized while the last one runs; several at once do that by themselves.
  void run(const LoadSample& load, std::size_t begin, std::size_t end, const Context& context, Progress& progress) const;

  [[nodiscard]] const TensorStatistics& gathered(std::size_t slot) const;
  [[nodiscard]] bool agrees_with(const std::vector<TensorStatistics>& others) const;
  // Takes over what another one has gathered.
  void add(const Observation& other);
  void forget();

 private:
  struct Parts;
  Division division_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace quantize
