#include "run/onnxruntime_engine.h"

#include <onnxruntime_session_options_config_keys.h>

#include <new>

#include "base/error.h"
#include "model/library_words.h"
#include "run/fallback_reasons.h"
#include "run/model_bytes.h"
#include "run/runtime.h"

namespace quantize {
namespace {

ElementType element_type(ONNXTensorElementDataType type) {
  // The two enumerations share their values up to bfloat16; what lies beyond (4-bit, 8-bit floats) is never an input or output here.
  return type <= ONNX_TENSOR_ELEMENT_DATA_TYPE_BFLOAT16 ? static_cast<ElementType>(type) : onnx::TensorProto::UNDEFINED;
}

std::vector<ValueSpec> value_specs(const Ort::Session& session, bool inputs) {
  Ort::AllocatorWithDefaultOptions allocator;
  std::vector<ValueSpec> specs;
  const std::size_t count = inputs ? session.GetInputCount() : session.GetOutputCount();
  for (std::size_t i = 0; i < count; ++i) {
    ValueSpec spec;
    spec.name = (inputs ? session.GetInputNameAllocated(i, allocator) : session.GetOutputNameAllocated(i, allocator)).get();
    const auto info = inputs ? session.GetInputTypeInfo(i) : session.GetOutputTypeInfo(i);
    if (info.GetONNXType() == ONNX_TYPE_TENSOR) {
      const auto tensor = info.GetTensorTypeAndShapeInfo();
      spec.type = element_type(tensor.GetElementType());
      spec.shape = tensor.GetShape();
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

Ort::SessionOptions translate(const SessionOptions& options) {
  Ort::SessionOptions result;
  if (options.threads != 0) result.SetIntraOpNumThreads(static_cast<int>(options.threads));
  // Threads that wait for the next run by spinning take the cores from another session that runs in turn with this one.
  result.AddConfigEntry(kOrtSessionOptionsConfigForceSpinningStop, "1");
  result.SetGraphOptimizationLevel(options.optimization == Optimization::all ? ORT_ENABLE_ALL : ORT_DISABLE_ALL);
  if (!options.fuse_quantized) result.AddConfigEntry(kOrtSessionOptionsDisableQuantQDQ, "1");
  if (!options.keep_memory || !options.plan_memory) result.DisableMemPattern();
  if (!options.keep_memory) result.DisableCpuMemArena();
  if (options.custom_operators != nullptr) result.Add(*options.custom_operators);
  for (const auto& [key, value] : options.config) result.AddConfigEntry(key.c_str(), value.c_str());
  return result;
}

// ONNX Runtime wraps what it catches. Memory that ran out (or found no room for a thread's stack) is no fault of the model.
[[noreturn]] void fail(const std::string& what, const Ort::Exception& error, const onnx::GraphProto& graph) {
  const std::string_view reason = error.what();
  for (const char* sign : {"bad_alloc", "Failed to allocate memory", "PosixThread"}) {
    if (reason.find(sign) != std::string_view::npos) throw std::bad_alloc();
  }
  throw Error(ErrorKind::model, what + ": " + plain_words(error.what(), graph));
}

Tensor to_tensor(const Ort::Value& value) {
  if (!value.IsTensor()) throw Error(ErrorKind::model, "the model has an output that is not a tensor, which is not supported");
  const auto info = value.GetTensorTypeAndShapeInfo();
  Tensor tensor{element_type(info.GetElementType()), info.GetShape(), {}};
  if (element_size(tensor.type) == 0) throw Error(ErrorKind::model, "the model has an output of an element type that is not supported");
  const auto* begin = static_cast<const std::byte*>(value.GetTensorRawData());
  tensor.bytes.assign(begin, begin + info.GetElementCount() * element_size(tensor.type));
  return tensor;
}

class OnnxRuntimeEngine : public Engine {
 public:
  OnnxRuntimeEngine(const ModelSource& source, const SessionOptions& options, Ort::SessionOptions translated) {
    if (source.model != nullptr) {
      const ModelBytes bytes(*source.model, options.limits);
      bytes.give_weights_to(translated);
      session_ = Ort::Session(Runtime::instance().env(), bytes.protobuf.data(), bytes.protobuf.size(), translated);
    } else {
      session_ = Ort::Session(Runtime::instance().env(), source.file.c_str(), translated);
    }
    inputs = value_specs(session_, true);
    outputs = value_specs(session_, false);
    for (const auto& spec : inputs) input_names_.push_back(spec.name.c_str());
    for (const auto& spec : outputs) output_names_.push_back(spec.name.c_str());
  }

  [[nodiscard]] std::vector<Tensor> run(std::span<const Tensor> tensors) override {
    std::vector<Tensor> results;
    for (const auto& value : run_values(tensors)) results.push_back(to_tensor(value));
    return results;
  }

  void run_discarding(std::span<const Tensor> tensors) override { static_cast<void>(run_values(tensors)); }

  void note_assignments(const FallbackReasons& reasons) {
#if ORT_API_VERSION >= 24
    for (const auto& part : session_.GetEpGraphAssignmentInfo()) {
      for (const auto& node : part.GetNodes()) {
        const std::string name = node.GetName();
        assignments.push_back({name, node.GetOperatorType(), part.GetEpName(), reasons.of(name)});
      }
    }
#else
    static_cast<void>(reasons);
#endif
  }

 private:
  std::vector<Ort::Value> run_values(std::span<const Tensor> tensors) {
    if (tensors.size() != inputs.size()) {
      throw Error(ErrorKind::internal,
                  "the model has " + std::to_string(inputs.size()) + " inputs, " + std::to_string(tensors.size()) + " were given");
    }
    static const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    std::vector<Ort::Value> values;
    try {
      for (const auto& tensor : tensors) {
        // ONNX Runtime does not write to inputs, its interface only lacks the const.
        values.push_back(Ort::Value::CreateTensor(memory, const_cast<std::byte*>(tensor.bytes.data()), tensor.bytes.size(),
                                                  tensor.shape.data(), tensor.shape.size(),
                                                  static_cast<ONNXTensorElementDataType>(tensor.type)));
      }
      return session_.Run(Ort::RunOptions{nullptr}, input_names_.data(), values.data(), values.size(), output_names_.data(),
                          output_names_.size());
    } catch (const Ort::Exception& error) {
      fail("ONNX Runtime cannot run the model on " + shapes_of(tensors), error, {});
    }
  }

  // "'image' of 1x3x257x193": where sizes are free, one that the network cannot take shows itself here first.
  [[nodiscard]] std::string shapes_of(std::span<const Tensor> tensors) const {
    std::string text;
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      text += (i == 0 ? "'" : ", '") + inputs[i].name + "'";
      const auto& shape = tensors[i].shape;
      for (std::size_t k = 0; k < shape.size(); ++k) text += (k == 0 ? " of " : "x") + std::to_string(shape[k]);
      const bool is_free = std::ranges::find(inputs[i].shape, -1) != inputs[i].shape.end();
      if (is_free) text += " (a size that the model leaves free; --input-shape fixes one that it takes)";
    }
    return text;
  }

  Ort::Session session_{nullptr};
  std::vector<const char*> input_names_, output_names_;
};

// The log of one session; ONNX Runtime holds on to it for as long as the session lives.
void ORT_API_CALL read_log(void* reasons, OrtLoggingLevel /*severity*/, const char* /*category*/, const char* /*log_id*/,
                           const char* /*location*/, const char* message) {
  static_cast<FallbackReasons*>(reasons)->read(message);
}

// On a provider other than the CPU's: its library is loaded, and what it says about nodes that it does not take is kept.
class ProviderEngine : public Engine {
 public:
  ProviderEngine(const ModelSource& source, const SessionOptions& options) {
    auto translated = translate(options);
    translated.SetLogSeverityLevel(ORT_LOGGING_LEVEL_VERBOSE);  // reasons are written at this level
    Ort::ThrowOnError(Ort::GetApi().SetUserLoggingFunction(translated, read_log, &reasons_));
    translated.AddConfigEntry("session.record_ep_graph_assignment_info", "1");
    if (!options.allow_fallback) translated.AddConfigEntry("session.disable_cpu_ep_fallback", "1");
    const QuietStandardOutput quiet;
    Runtime::instance().append(translated, *options.provider);
    try {
      engine_ = std::make_unique<OnnxRuntimeEngine>(source, options, std::move(translated));
    } catch (const Ort::Exception& error) {
      throw Error(ErrorKind::model,
                  "the execution provider " + options.provider->name + " cannot load the model: " + error.what() + first_reason());
    }
    engine_->note_assignments(reasons_);
    inputs = engine_->inputs;
    outputs = engine_->outputs;
    assignments = engine_->assignments;
  }

  [[nodiscard]] std::vector<Tensor> run(std::span<const Tensor> tensors) override { return engine_->run(tensors); }
  void run_discarding(std::span<const Tensor> tensors) override { engine_->run_discarding(tensors); }

 private:
  [[nodiscard]] std::string first_reason() const {
    for (const auto& [node, reason] : reasons_.all()) {
      if (!reason.empty()) return "; first of " + std::to_string(reasons_.all().size()) + " nodes refused: " + node + ": " + reason;
    }
    return "";
  }

  FallbackReasons reasons_;  // outlives the session, whose logger writes to it
  std::unique_ptr<OnnxRuntimeEngine> engine_;
};

}  // namespace

std::unique_ptr<Engine> make_onnxruntime_engine(const ModelSource& source, const SessionOptions& options) {
  try {
    if (options.provider != nullptr && !options.provider->is_cpu()) return std::make_unique<ProviderEngine>(source, options);
    static_cast<void>(Runtime::instance());  // says so where ONNX Runtime is too old, before anything of it is used
    return std::make_unique<OnnxRuntimeEngine>(source, options, translate(options));
  } catch (const Ort::Exception& error) {
    if (source.model != nullptr) fail("ONNX Runtime cannot load the model", error, source.model->graph());
    fail("ONNX Runtime cannot load " + source.file.string(), error, {});
  }
}

}  // namespace quantize
