#include "run/session.h"

#include <onnxruntime_cxx_api.h>
#include <onnxruntime_session_options_config_keys.h>

#include <cstring>
#include <mutex>
#include <new>

#include "base/error.h"
#include "base/mapped_file.h"
#include "model/library_words.h"
#include "model/model.h"
#include "model/payload.h"

namespace quantize {
namespace {

// ONNX Runtime has one environment per process, and its logger belongs to that: this is where its warnings wait until someone asks.
struct Runtime {
  std::mutex mutex;
  std::vector<std::string> warnings;
  Ort::Env env{ORT_LOGGING_LEVEL_WARNING, "quantize", log, this};

  static void ORT_API_CALL log(void* self, OrtLoggingLevel severity, const char* /*category*/, const char* /*log_id*/,
                               const char* /*location*/, const char* message) {
    if (severity < ORT_LOGGING_LEVEL_WARNING) return;
    auto& runtime = *static_cast<Runtime*>(self);
    const std::lock_guard lock(runtime.mutex);
    runtime.warnings.emplace_back(message);
  }
};

Runtime& runtime() {
  static Runtime instance;
  return instance;
}

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
  result.SetGraphOptimizationLevel(options.optimization == Optimization::all ? ORT_ENABLE_ALL : ORT_DISABLE_ALL);
  if (!options.fuse_quantized) result.AddConfigEntry(kOrtSessionOptionsDisableQuantQDQ, "1");
  if (options.custom_operators != nullptr) result.Add(*options.custom_operators);
  return result;
}

// A model as ONNX Runtime takes it: one protobuf, and beside it the files with the weights that the protobuf does not hold.
struct ModelBytes {
  std::string protobuf;
  std::map<std::string, MappedFile> files;
  std::shared_ptr<AppendFile> scratch;  // of weights that did not fit into the protobuf

  ModelBytes() = default;
  ModelBytes(const onnx::ModelProto& model, const WeightLimits& limits) {
    const auto& weights = model.graph().initializer();
    const bool fits = model.ByteSizeLong() <= limits.in_protobuf;
    if (fits && std::none_of(weights.begin(), weights.end(), is_external)) {
      protobuf = serialize(model);
      return;
    }
    protobuf = serialize(copy_without_payloads(model, fits ? limits.in_protobuf : limits.tensor, [&](auto& copy, const auto& original) {
      if (is_external(original) || !original.has_raw_data()) {
        copy = original;
        return;
      }
      if (!scratch) scratch = std::make_shared<AppendFile>();
      set_external_place(copy, {scratch->path(), scratch->append(original.raw_data()), original.raw_data().size()});
    }));
    for (const auto& tensor : weights) {
      if (is_external(tensor)) map(external_place(tensor).file);
    }
    if (scratch) map(scratch->path());
  }

  void give_files_to(Ort::SessionOptions& options) const {
    std::vector<std::string> names;
    std::vector<char*> starts;
    std::vector<std::size_t> lengths;
    for (const auto& [name, file] : files) {
      names.push_back(name);
      starts.push_back(static_cast<char*>(file.start()));
      lengths.push_back(file.bytes().size());
    }
    if (!names.empty()) options.AddExternalInitializersFromFilesInMemory(names, starts, lengths);
  }

 private:
  void map(const std::string& file) {
    if (!files.contains(file)) files.emplace(file, MappedFile(file));
  }
};

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
  Tensor tensor = Tensor::zeros(element_type(info.GetElementType()), info.GetShape());
  if (element_size(tensor.type) == 0) throw Error(ErrorKind::model, "the model has an output of an element type that is not supported");
  if (!tensor.bytes.empty()) std::memcpy(tensor.bytes.data(), value.GetTensorRawData(), tensor.bytes.size());
  return tensor;
}

}  // namespace

struct Session::State {
  ModelBytes weights;  // ONNX Runtime may read them where they are
  Ort::Session session;
  std::vector<ValueSpec> inputs, outputs;
  std::vector<const char*> input_names, output_names;

  State(Ort::Session made, ModelBytes bytes)
      : weights(std::move(bytes)), session(std::move(made)), inputs(value_specs(session, true)), outputs(value_specs(session, false)) {
    for (const auto& spec : inputs) input_names.push_back(spec.name.c_str());
    for (const auto& spec : outputs) output_names.push_back(spec.name.c_str());
  }

  [[nodiscard]] std::vector<Ort::Value> run(std::span<const Tensor> tensors) {
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
      return session.Run(Ort::RunOptions{nullptr}, input_names.data(), values.data(), values.size(), output_names.data(),
                         output_names.size());
    } catch (const Ort::Exception& error) {
      fail("ONNX Runtime cannot run the model", error, {});
    }
  }
};

Session::Session(const onnx::ModelProto& model, const SessionOptions& options) {
  ModelBytes bytes(model, options.limits);
  try {
    auto translated = translate(options);
    bytes.give_files_to(translated);
    Ort::Session session(runtime().env, bytes.protobuf.data(), bytes.protobuf.size(), translated);
    bytes.protobuf = {};
    state_ = std::make_unique<State>(std::move(session), std::move(bytes));
  } catch (const Ort::Exception& error) {
    fail("ONNX Runtime cannot load the model", error, model.graph());
  }
}

Session::Session(const std::filesystem::path& file, const SessionOptions& options) {
  try {
    state_ = std::make_unique<State>(Ort::Session(runtime().env, file.c_str(), translate(options)), ModelBytes());
  } catch (const Ort::Exception& error) {
    fail("ONNX Runtime cannot load " + file.string(), error, {});
  }
}

Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

const std::vector<ValueSpec>& Session::inputs() const { return state_->inputs; }
const std::vector<ValueSpec>& Session::outputs() const { return state_->outputs; }

std::vector<Tensor> Session::run(std::span<const Tensor> inputs) const {
  std::vector<Tensor> outputs;
  for (const auto& value : state_->run(inputs)) outputs.push_back(to_tensor(value));
  return outputs;
}

void Session::run_discarding(std::span<const Tensor> inputs) const { static_cast<void>(state_->run(inputs)); }

std::vector<std::string> take_runtime_warnings() {
  auto& instance = runtime();
  const std::lock_guard lock(instance.mutex);
  return std::exchange(instance.warnings, {});
}

std::string onnxruntime_version() { return OrtGetApiBase()->GetVersionString(); }

}  // namespace quantize
