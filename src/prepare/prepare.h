// PREPARE: a model as people have it -> the same function in the form the later stations expect.
//
// A list of passes, followed by a parity check (parity.h): the model as it was loaded and the model after them run on the same real inputs,
// and the largest difference, relative to the output's range, must stay under a tolerance. Where it does not, the passes run again, each
// with a check of its own: one that fails it is undone, named in the outcome, and the run goes on without it (strict:
// Error{verification}).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/context.h"
#include "model/model.h"
#include "model/tensor.h"
#include "prepare/parity.h"
#include "prepare/passes.h"

namespace quantize {

// `apply` edits the graph and returns what it did in a few words ("55 folded"), or an empty string when there was nothing to do and the
// graph is untouched.
struct Pass {
  std::string name;     // the file's name, with dashes: "fold-batch-norm"
  std::string summary;  // one line for --help and the documentation
  std::function<std::string(Model&)> apply;
  bool required = false;  // no correct result can be made without it: failing its check is an error
};

struct PassOutcome {
  std::string name;
  enum class Status { unchanged, changed, undone } status = Status::unchanged;
  std::string detail;     // what it did, or why it was undone
  double difference = 0;  // from the model as loaded, after this pass or, where all are checked together, after the last (see Parity)
  double seconds = 0;     // the pass, and its check where it has one of its own
};

// Everything the preparation needs besides the model.
struct PrepareOptions {
  std::int64_t opset = 0;  // raise to at least this version; a model older than 13 is raised to at least 17 in any case
  bool strict = false;
  bool keep_outputs = false;   // Prepared::outputs are wanted, the same for any number of threads
  bool keep_channels = false;  // encodings are exchanged with others: inner channels keep their order, factors and summands
  bool knows_gelu = false;     // the target has the operator, of opset 20: what older ones write out becomes it
  IsKept is_kept = {};         // nodes that no other operator is to be made of
  bool one_at_a_time = false;  // the check runs one input set after the other, for less memory
};

// The passes in the order they run. A name may stand twice: what one pass does can give an earlier one something to do.
std::vector<Pass> preparation_passes(const PrepareOptions& options);

struct Prepared {
  std::vector<PassOutcome> passes;
  // What the prepared model makes of the input sets that it was checked on, [input set][output]; empty where that was not asked for, or
  // each pass had a check of its own.
  std::vector<std::vector<Tensor>> outputs;
};

// `inputs`: one or more sets of model inputs for the parity check, in the order of Session::inputs(); the first two are used.
// Throws Error{numeric} naming the tensor for NaN or infinity in a weight or in an output of the model as loaded; Error{model} where ONNX
// Runtime cannot run the model at all; Error{verification} where a required pass (raising the opset) changes the model's function, or any
// pass with options.strict.
Prepared prepare(Model& model, const PrepareOptions& options, std::span<const std::vector<Tensor>> inputs, const Context& context);

// The passes with one check for all of them; where that fails, one by one, so that only the one that is to blame is undone.
Prepared run_passes(Model& model, const std::vector<Pass>& passes, bool strict, ParityCheck& check, const Context& context);
// One pass with its check. The model is as it was before when the outcome's status is not `changed`.
PassOutcome run_pass(Model& model, const Pass& pass, ParityCheck& check);

// Throws Error{numeric} naming the first initializer or constant that holds NaN, or infinity where that is not a mask or a bound.
void refuse_bad_weights(const onnx::GraphProto& graph);

}  // namespace quantize
