// Names weigh: in a model of a few hundred kilobytes the paths that exporters give to tensors take more room than some layers' weights.
#pragma once

#include <onnx/onnx_pb.h>

#include <map>
#include <string>

namespace quantize {

// Where the names of tensors take more than a fiftieth of the model: tensors between nodes and initializers get short names, equal
// initializers become one, and attributes of convolutions that say what is the default anyway are left out. Inputs, outputs, nodes and what
// subgraphs read keep their names. Returns the new name of every tensor that has one, by the old.
// `computes_constants`: the runtime can be left to multiply the scales of biases when it loads the model. Done where that saves a
// thirty-second part, in nets of a few hundred kilobytes.
std::map<std::string, std::string> slim(onnx::ModelProto& model, bool computes_constants = false);

}  // namespace quantize
