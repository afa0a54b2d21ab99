// OpenVINO's own runtime, which reads the quantized ONNX file directly. Its C interface is loaded when it is asked for, so that the program
// neither needs it to build nor to start; the declarations below are the part of that interface used here.
#include <dlfcn.h>

#include <array>
#include <cstring>
#include <map>
#include <mutex>

#include "base/error.h"
#include "model/model.h"
#include "run/engine.h"

namespace quantize {
namespace {

struct OvShape {
  std::int64_t rank;
  std::int64_t* dims;
};
struct OvProfile {
  int status;
  std::int64_t real_time, cpu_time;
  const char *node_name, *exec_type, *node_type;
};
constexpr int executed = 2;
struct OvProfileList {
  OvProfile* items;
  std::size_t size;
};

// Element types by OpenVINO's numbers.
constexpr std::array<std::pair<int, ElementType>, 10> element_types = {{{1, onnx::TensorProto::BOOL},
                                                                        {3, onnx::TensorProto::FLOAT16},
                                                                        {4, onnx::TensorProto::FLOAT},
                                                                        {5, onnx::TensorProto::DOUBLE},
                                                                        {7, onnx::TensorProto::INT8},
                                                                        {8, onnx::TensorProto::INT16},
                                                                        {9, onnx::TensorProto::INT32},
                                                                        {10, onnx::TensorProto::INT64},
                                                                        {16, onnx::TensorProto::UINT8},
                                                                        {17, onnx::TensorProto::UINT16}}};

class Library {
 public:
  explicit Library(const std::filesystem::path& folder) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().filename().string().starts_with("libopenvino_c.so")) handle_ = ::dlopen(entry.path().c_str(), RTLD_NOW | RTLD_LOCAL);
    }
    if (handle_ == nullptr) {
      const char* reason = ::dlerror();
      throw Error(ErrorKind::usage, "OpenVINO's library cannot be loaded from " + folder.string() + ": " +
                                        (reason != nullptr ? reason : "there is no libopenvino_c.so") +
                                        "; run tools/setup.sh --with openvino");
    }
  }

  template <typename Function>
  Function* find(const char* name) const {
    void* symbol = ::dlsym(handle_, name);
    if (symbol == nullptr)
      throw Error(ErrorKind::usage, std::string("this OpenVINO has no ") + name + "; run tools/setup.sh --with openvino");
    return reinterpret_cast<Function*>(symbol);
  }

 private:
  void* handle_ = nullptr;  // stays loaded: its threads do not survive being unloaded
};

// Each member is OpenVINO's function of the same name with "ov_" before it.
struct Api {
  Library library;
#define QUANTIZE_OV(name, ...) int (*name)(__VA_ARGS__) = library.find<int(__VA_ARGS__)>("ov_" #name)
// NOLINTNEXTLINE(bugprone-macro-parentheses): GCC wants none around what is declared
#define QUANTIZE_OV_FREE(name) void (*name)(void*) = library.find<void(void*)>("ov_" #name)
  QUANTIZE_OV(core_create, void**);
  QUANTIZE_OV(core_read_model, const void*, const char*, const char*, void**);
  QUANTIZE_OV(core_read_model_from_memory_buffer, const void*, const char*, std::size_t, const void*, void**);
  QUANTIZE_OV(core_compile_model, const void*, const void*, const char*, std::size_t, void**, ...);
  QUANTIZE_OV(compiled_model_inputs_size, const void*, std::size_t*);
  QUANTIZE_OV(compiled_model_outputs_size, const void*, std::size_t*);
  QUANTIZE_OV(model_const_input_by_index, const void*, std::size_t, void**);
  QUANTIZE_OV(model_const_output_by_index, const void*, std::size_t, void**);
  QUANTIZE_OV(compiled_model_create_infer_request, const void*, void**);
  QUANTIZE_OV(port_get_any_name, const void*, char**);
  QUANTIZE_OV(port_get_element_type, const void*, int*);
  QUANTIZE_OV(tensor_create_from_host_ptr, int, OvShape, void*, void**);
  QUANTIZE_OV(tensor_get_shape, const void*, OvShape*);
  QUANTIZE_OV(tensor_get_element_type, const void*, int*);
  QUANTIZE_OV(tensor_data, const void*, void**);
  QUANTIZE_OV(shape_free, OvShape*);
  QUANTIZE_OV(infer_request_set_input_tensor_by_index, void*, std::size_t, const void*);
  QUANTIZE_OV(infer_request_get_output_tensor_by_index, const void*, std::size_t, void**);
  QUANTIZE_OV(infer_request_infer, void*);
  QUANTIZE_OV(infer_request_get_profiling_info, const void*, OvProfileList*);
  QUANTIZE_OV_FREE(model_free);
  QUANTIZE_OV_FREE(compiled_model_free);
  QUANTIZE_OV_FREE(infer_request_free);
  QUANTIZE_OV_FREE(tensor_free);
  QUANTIZE_OV_FREE(output_const_port_free);
  QUANTIZE_OV_FREE(profiling_info_list_free);
#undef QUANTIZE_OV
#undef QUANTIZE_OV_FREE
  void (*free_text)(const char*) = library.find<void(const char*)>("ov_free");
  const char* (*last_error)() = library.find<const char*()>("ov_get_last_err_msg");
};

// Frees by the function it was given.
using Handle = std::unique_ptr<void, void (*)(void*)>;

int number_of(ElementType type) {
  for (const auto& [number, known] : element_types) {
    if (known == type) return number;
  }
  throw Error(ErrorKind::model, "OpenVINO takes no input of type " + type_name(type) + " here");
}

ElementType type_of(int number) {
  for (const auto& [known, type] : element_types) {
    if (known == number) return type;
  }
  return onnx::TensorProto::UNDEFINED;
}

struct OpenVino {
  Api api;
  void* core = nullptr;

  explicit OpenVino(const std::filesystem::path& folder) : api{Library(folder)} { check(api.core_create(&core), "start"); }

  void check(int status, const std::string& action) const {
    if (status == 0) return;
    const char* reason = api.last_error();
    throw Error(ErrorKind::model, "OpenVINO cannot " + action + ": " + (reason != nullptr ? reason : "status " + std::to_string(status)));
  }
};

// One per library and process, as its thread pool is.
const OpenVino& openvino(const std::filesystem::path& folder) {
  static std::mutex one_at_a_time;
  static std::map<std::filesystem::path, OpenVino> loaded;
  const std::lock_guard lock(one_at_a_time);
  return loaded.try_emplace(folder, folder).first->second;
}

class OpenVinoEngine : public Engine {
 public:
  OpenVinoEngine(const ModelSource& source, const SessionOptions& options)
      : ov_(openvino(options.provider->library)),
        model_(nullptr, ov_.api.model_free),
        compiled_(nullptr, ov_.api.compiled_model_free),
        request_(nullptr, ov_.api.infer_request_free) {
    const auto keep = [](Handle& handle, void* made) { handle.reset(made); };
    void* made = nullptr;
    if (source.model == nullptr) {
      ov_.check(ov_.api.core_read_model(ov_.core, source.file.c_str(), nullptr, &made), "read the model");
    } else {
      const std::string bytes = serialize(*source.model);
      ov_.check(ov_.api.core_read_model_from_memory_buffer(ov_.core, bytes.data(), bytes.size(), nullptr, &made), "read the model");
    }
    keep(model_, made);
    const std::string threads = std::to_string(options.threads);  // 0: all cores, as here
    // Bound to f32: where a processor has bf16, OpenVINO would otherwise compute float layers in it.
    ov_.check(ov_.api.core_compile_model(ov_.core, model_.get(), "CPU", 8, &made, "PERF_COUNT", "YES", "INFERENCE_NUM_THREADS",
                                         threads.c_str(), "NUM_STREAMS", "1", "INFERENCE_PRECISION_HINT", "f32"),
              "compile the model");
    keep(compiled_, made);
    ov_.check(ov_.api.compiled_model_create_infer_request(compiled_.get(), &made), "run the model");
    keep(request_, made);
    std::size_t count = 0;
    ov_.check(ov_.api.compiled_model_inputs_size(compiled_.get(), &count), "list the inputs");
    for (std::size_t i = 0; i < count; ++i) inputs.push_back(describe(i, ov_.api.model_const_input_by_index));
    ov_.check(ov_.api.compiled_model_outputs_size(compiled_.get(), &count), "list the outputs");
    for (std::size_t i = 0; i < count; ++i) outputs.push_back(describe(i, ov_.api.model_const_output_by_index));
  }

  [[nodiscard]] std::vector<Tensor> run(std::span<const Tensor> tensors) override {
    const std::lock_guard lock(mutex_);
    infer(tensors);
    std::vector<Tensor> results;
    for (std::size_t i = 0; i < outputs.size(); ++i) results.push_back(output(i));
    return results;
  }

  void run_discarding(std::span<const Tensor> tensors) override {
    const std::lock_guard lock(mutex_);
    infer(tensors);
  }

 private:
  ValueSpec describe(std::size_t index, int (*port_of)(const void*, std::size_t, void**)) const {
    void* made = nullptr;
    ov_.check(port_of(model_.get(), index, &made), "list inputs and outputs");
    const Handle port(made, ov_.api.output_const_port_free);
    char* name = nullptr;
    int type = 0;
    ov_.check(ov_.api.port_get_any_name(port.get(), &name), "name inputs and outputs");
    ov_.check(ov_.api.port_get_element_type(port.get(), &type), "name inputs and outputs");
    ValueSpec spec{name, type_of(type), {}};
    ov_.api.free_text(name);
    return spec;
  }

  void infer(std::span<const Tensor> tensors) {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      auto shape = tensors[i].shape;
      void* made = nullptr;
      // OpenVINO does not write to inputs, its interface only lacks the const.
      ov_.check(ov_.api.tensor_create_from_host_ptr(number_of(tensors[i].type), {static_cast<std::int64_t>(shape.size()), shape.data()},
                                                    const_cast<std::byte*>(tensors[i].bytes.data()), &made),
                "take an input");
      const Handle tensor(made, ov_.api.tensor_free);
      ov_.check(ov_.api.infer_request_set_input_tensor_by_index(request_.get(), i, tensor.get()), "take an input");
    }
    ov_.check(ov_.api.infer_request_infer(request_.get()), "run the model");
    if (assignments.empty()) note_kernels();
  }

  Tensor output(std::size_t index) const {
    void* made = nullptr;
    ov_.check(ov_.api.infer_request_get_output_tensor_by_index(request_.get(), index, &made), "give its output");
    const Handle tensor(made, ov_.api.tensor_free);
    OvShape shape{};
    int type = 0;
    void* data = nullptr;
    ov_.check(ov_.api.tensor_get_shape(tensor.get(), &shape), "give its output");
    ov_.check(ov_.api.tensor_get_element_type(tensor.get(), &type), "give its output");
    ov_.check(ov_.api.tensor_data(tensor.get(), &data), "give its output");
    Tensor result = Tensor::zeros(type_of(type), Shape(shape.dims, shape.dims + shape.rank));
    ov_.api.shape_free(&shape);
    if (!result.bytes.empty()) std::memcpy(result.bytes.data(), data, result.bytes.size());
    return result;
  }

  // Which kernel ran each node of its execution graph: "brgconv_avx2_I8". Known after the first run.
  void note_kernels() {
    OvProfileList list{};
    ov_.check(ov_.api.infer_request_get_profiling_info(request_.get(), &list), "list its kernels");
    for (std::size_t i = 0; i < list.size; ++i) {
      const auto& item = list.items[i];
      if (item.status != executed) continue;  // fused into another, or optimized out
      assignments.push_back({item.node_name, item.node_type, item.exec_type, ""});
    }
    ov_.api.profiling_info_list_free(&list);
  }

  const OpenVino& ov_;
  Handle model_, compiled_, request_;
  std::mutex mutex_;  // one request, one run at a time
};

}  // namespace

std::unique_ptr<Engine> make_openvino_engine(const ModelSource& source, const SessionOptions& options) {
  return std::make_unique<OpenVinoEngine>(source, options);
}

}  // namespace quantize
