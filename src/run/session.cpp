#include "run/session.h"

#include "run/engine.h"
#include "run/onnxruntime_engine.h"
#include "run/runtime.h"

namespace quantize {
namespace {

std::unique_ptr<Engine> make_engine(const ModelSource& source, const SessionOptions& options) {
  if (options.provider != nullptr && options.provider->is_openvino()) return make_openvino_engine(source, options);
  return make_onnxruntime_engine(source, options);
}

}  // namespace

Session::Session(const onnx::ModelProto& model, const SessionOptions& options) : engine_(make_engine({&model, {}}, options)) {}
Session::Session(const std::filesystem::path& file, const SessionOptions& options) : engine_(make_engine({nullptr, file}, options)) {}
Session::Session(Session&&) noexcept = default;
Session& Session::operator=(Session&&) noexcept = default;
Session::~Session() = default;

const std::vector<ValueSpec>& Session::inputs() const { return engine_->inputs; }
const std::vector<ValueSpec>& Session::outputs() const { return engine_->outputs; }
const std::vector<NodeAssignment>& Session::assignments() const { return engine_->assignments; }

std::vector<Tensor> Session::run(std::span<const Tensor> inputs) const { return engine_->run(inputs); }
void Session::run_discarding(std::span<const Tensor> inputs) const { engine_->run_discarding(inputs); }

std::vector<std::string> take_runtime_warnings() { return Runtime::instance().take_warnings(); }

std::string onnxruntime_version() { return OrtGetApiBase()->GetVersionString(); }

}  // namespace quantize
