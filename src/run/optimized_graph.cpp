#include "run/optimized_graph.h"

#include <onnxruntime_cxx_api.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "model/library_words.h"
#include "run/model_bytes.h"
#include "run/runtime.h"

namespace quantize {
namespace {

// A file without a name, which ONNX Runtime can be given as one with a name.
class MemoryFile {
 public:
  MemoryFile() : descriptor_(memfd_create("optimized", MFD_CLOEXEC)) {
    if (descriptor_ < 0) throw Error(ErrorKind::internal, std::string("no memory for a model: ") + std::strerror(errno));
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace

onnx::ModelProto optimized_graph(const onnx::ModelProto& model, const WeightLimits& limits) {
  const MemoryFile file;
  try {
    const ModelBytes bytes(model, limits);
    Ort::SessionOptions options;
    options.SetIntraOpNumThreads(1);
    options.SetGraphOptimizationLevel(ORT_ENABLE_EXTENDED);
    options.SetOptimizedModelFilePath(file.path().c_str());
    bytes.give_weights_to(options);
    const Ort::Session session(Runtime::instance().env(), bytes.protobuf.data(), bytes.protobuf.size(), options);
  } catch (const Ort::Exception& error) {
    throw Error(ErrorKind::model, "ONNX Runtime cannot optimize the model: " + plain_words(error.what(), model.graph()));
  }
  onnx::ModelProto optimized;
  if (::lseek(file.descriptor(), 0, SEEK_SET) != 0 || !optimized.ParseFromFileDescriptor(file.descriptor()))
    throw Error(ErrorKind::model, "ONNX Runtime's optimized model cannot be read back");
  return optimized;
}

}  // namespace quantize
