#include "prepare/prepare.h"

#include <chrono>
#include <cstdio>

#include "base/error.h"

namespace quantize {
namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2g", value);
  return text;
}

// What the pass did, if it came that far, and what went wrong.
std::string failure_text(const PassOutcome& outcome, const std::string& reason) {
  return outcome.detail.empty() ? reason : outcome.detail + ", but " + reason;
}

// Applies the pass; returns why it cannot stand, or nothing where it stands. Fills in the rest of the outcome.
std::string attempt(Model& model, const Pass& pass, const ParityCheck& check, PassOutcome& outcome) {
  try {
    outcome.detail = pass.apply(model);
    if (outcome.detail.empty()) return {};
    outcome.status = PassOutcome::Status::changed;
    move_out_large_weights(model.graph(), model.limits, model.scratch);
    const Parity parity = check.measure(model.proto);
    outcome.difference = parity.difference;
    if (parity.same) return {};
    return failure_text(outcome, "output '" + parity.output + "' moved by " + number(parity.difference) + " of its range");
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted) throw;
    return failure_text(outcome, error.what());
  } catch (const std::exception& error) {  // what the libraries underneath throw
    return failure_text(outcome, error.what());
  }
}

}  // namespace

PassOutcome run_pass(Model& model, const Pass& pass, const ParityCheck& check) {
  const auto start = std::chrono::steady_clock::now();
  PassOutcome outcome;
  outcome.name = pass.name;
  onnx::ModelProto saved = model.proto;
  const std::string failure = attempt(model, pass, check, outcome);
  if (!failure.empty()) {
    model.proto = std::move(saved);
    outcome.status = PassOutcome::Status::undone;
    outcome.detail = failure;
  }
  outcome.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

std::vector<PassOutcome> prepare(Model& model, const PrepareOptions& options, std::span<const std::vector<Tensor>> inputs,
                                 const Context& context) {
  refuse_bad_weights(model.graph());
  const auto passes = preparation_passes(options);
  const auto progress = context.step("Preparing the model", passes.size() + 1);
  const ParityCheck check(model.proto, inputs, context.threads);
  progress->tick();
  std::vector<PassOutcome> outcomes;
  for (const auto& pass : passes) {
    context.check_stop();
    outcomes.push_back(run_pass(model, pass, check));
    const auto& outcome = outcomes.back();
    const bool undone = outcome.status == PassOutcome::Status::undone;
    if (undone && (pass.required || options.strict)) {
      throw Error(ErrorKind::verification, "preparation step " + pass.name + " failed its check: " + outcome.detail);
    }
    const std::string detail = outcome.detail.empty() ? "nothing to do" : outcome.detail;
    context.debug(pass.name + ": " + (undone ? "undone, " : "") + detail + " (difference " + number(outcome.difference) + ")");
    progress->tick();
  }
  return outcomes;
}

}  // namespace quantize
