// RUN: models executed by ONNX Runtime. The only folder (with observe, whose custom operator runs inside it) that includes ONNX Runtime's
// headers.
#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "model/large_weights.h"
#include "model/tensor.h"
#include "run/provider.h"

namespace Ort {
struct CustomOpDomain;
}

namespace quantize {

enum class Optimization { none, all };  // ONNX Runtime's graph optimisations: off, or its own default

struct SessionOptions {
  unsigned threads = 1;  // inside one run; 0 is ONNX Runtime's own default (all cores)
  Optimization optimization = Optimization::all;
  // Off: Quantize/DequantizeLinear run as the float operators they are. On (ONNX Runtime's default) they are fused into integer kernels,
  // and float weights between them are quantized per tensor without being asked, which would falsify a simulation of quantized activations
  // with float weights.
  bool fuse_quantized = true;
  // Off: memory of a run goes back to the system with it, which costs time. On, a session keeps up to twice what its runs at once need.
  bool keep_memory = true;
  // On, as ONNX Runtime has it by default: memory is laid out in one piece after the first run, beside what that one took. That makes runs
  // a twentieth faster and takes half as much memory again; for measuring what others will see.
  bool plan_memory = false;
  Ort::CustomOpDomain* custom_operators = nullptr;  // must outlive the session
  WeightLimits limits = {};                         // what is handed over in one protobuf; the rest goes through files
  const Provider* provider = nullptr;               // needed while the session is made only; none is ONNX Runtime's CPU provider
  bool allow_fallback = true;                       // whether nodes that the provider does not take may run on the CPU
  std::map<std::string, std::string> config = {};   // further session options by ONNX Runtime's own keys ("ep.context_enable")
};

struct ValueSpec {
  std::string name;
  ElementType type = onnx::TensorProto::UNDEFINED;
  Shape shape;  // -1 where the model leaves a dimension free
};

class Engine;

// One loaded model. run() may be called from several threads at once.
class Session {
 public:
  // Throws Error{model} with ONNX Runtime's reason when it cannot load the model.
  explicit Session(const onnx::ModelProto& model, const SessionOptions& options = {});
  explicit Session(const std::filesystem::path& file, const SessionOptions& options = {});
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  [[nodiscard]] const std::vector<ValueSpec>& inputs() const;
  [[nodiscard]] const std::vector<ValueSpec>& outputs() const;
  // Where each node runs, in the order of the runtime's own graph; only known where a provider was given.
  [[nodiscard]] const std::vector<NodeAssignment>& assignments() const;

  // `inputs` in the order of inputs(); returns every output in the order of outputs(). Throws Error{model} with ONNX Runtime's reason when
  // the run fails.
  [[nodiscard]] std::vector<Tensor> run(std::span<const Tensor> inputs) const;
  // The same without copying results out: for timing.
  void run_discarding(std::span<const Tensor> inputs) const;

 private:
  std::unique_ptr<Engine> engine_;
};

// Messages of severity warning and above that ONNX Runtime has logged since the last call, over all sessions of the process.
std::vector<std::string> take_runtime_warnings();

std::string onnxruntime_version();

}  // namespace quantize
