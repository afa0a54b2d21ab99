// ONNX Runtime behind a Session, on its CPU provider or another. Internal to run/.
#pragma once

#include <memory>

#include "run/engine.h"

namespace quantize {

std::unique_ptr<Engine> make_onnxruntime_engine(const ModelSource& source, const SessionOptions& options);

}  // namespace quantize
