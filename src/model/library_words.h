// What ONNX's checker and ONNX Runtime say about a model, made fit for one line of ours.
#pragma once

#include <onnx/onnx_pb.h>

#include <string>

namespace quantize {

// "Conv 'stem/conv1': ..." where the text speaks of a node of this graph, else the text alone; without line breaks, source positions and
// error codes.
std::string plain_words(const std::string& text, const onnx::GraphProto& graph);

}  // namespace quantize
