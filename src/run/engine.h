// What stands behind a Session: one runtime that has loaded one model. Internal to run/.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "run/session.h"

namespace quantize {

class Engine {
 public:
  virtual ~Engine() = default;
  [[nodiscard]] virtual std::vector<Tensor> run(std::span<const Tensor> tensors) = 0;
  virtual void run_discarding(std::span<const Tensor> tensors) = 0;

  std::vector<ValueSpec> inputs, outputs;
  std::vector<NodeAssignment> assignments;
};

// A model in memory, or in a file.
struct ModelSource {
  const onnx::ModelProto* model = nullptr;
  std::filesystem::path file;  // used where `model` is null
};

std::unique_ptr<Engine> make_openvino_engine(const ModelSource& source, const SessionOptions& options);

}  // namespace quantize
