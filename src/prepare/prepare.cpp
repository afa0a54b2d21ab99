#include "prepare/prepare.h"

#include <cstdio>
#include <optional>

#include "base/error.h"
#include "base/stopwatch.h"

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

// Applies the pass and says what it did. Returns whether anything changed.
bool apply(Model& model, const Pass& pass, PassOutcome& outcome) {
  outcome.detail = pass.apply(model);
  if (outcome.detail.empty()) return false;
  outcome.status = PassOutcome::Status::changed;
  move_out_large_weights(model.graph(), model.limits, model.scratch);
  return true;
}

// Applies the pass; returns why it cannot stand, or nothing where it stands. Fills in the rest of the outcome.
std::string attempt(Model& model, const Pass& pass, ParityCheck& check, PassOutcome& outcome) {
  try {
    if (!apply(model, pass, outcome)) return {};
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

PassOutcome run_pass(Model& model, const Pass& pass, ParityCheck& check) {
  const Stopwatch watch;
  PassOutcome outcome;
  outcome.name = pass.name;
  onnx::ModelProto saved = model.proto;
  const std::string failure = attempt(model, pass, check, outcome);
  if (!failure.empty()) {
    model.proto = std::move(saved);
    outcome.status = PassOutcome::Status::undone;
    outcome.detail = failure;
  }
  outcome.seconds = watch.seconds();
  return outcome;
}

namespace {

void say(const Context& context, const PassOutcome& outcome) {
  const std::string detail = outcome.detail.empty() ? "nothing to do" : outcome.detail;
  const bool undone = outcome.status == PassOutcome::Status::undone;
  context.debug(outcome.name + ": " + (undone ? "undone, " : "") + detail + " (difference " + number(outcome.difference) + ")");
}

// All passes and one check at the end, which runs the model once per input set instead of once per pass. Nothing, and the model as it was,
// where a pass or the check fails: then each needs a check of its own, to name the one that is to blame.
std::optional<Prepared> run_together(Model& model, const std::vector<Pass>& passes, ParityCheck& check, const Context& context) {
  try {
    std::vector<PassOutcome> outcomes;
    bool changed = false;
    for (const auto& pass : passes) {
      context.check_stop();
      const Stopwatch watch;
      PassOutcome outcome;
      outcome.name = pass.name;
      changed |= apply(model, pass, outcome);
      outcome.seconds = watch.seconds();
      outcomes.push_back(std::move(outcome));
    }
    Parity parity = changed ? check.measure(model.proto) : Parity{.output = {}, .outputs = check.reference()};
    if (parity.same) {
      for (auto& outcome : outcomes) outcome.difference = outcome.status == PassOutcome::Status::changed ? parity.difference : 0;
      return Prepared{std::move(outcomes), std::move(parity.outputs)};
    }
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted) throw;
  } catch (const std::exception&) {  // which pass it was is found out by running them one by one
  }
  static_cast<void>(check.reference());  // what the model as loaded cannot do is no pass's fault
  model.proto = check.loaded();
  return std::nullopt;
}

}  // namespace

Prepared run_passes(Model& model, const std::vector<Pass>& passes, bool strict, ParityCheck& check, const Context& context) {
  const auto progress = context.step("Preparing the model", passes.size());
  if (auto together = run_together(model, passes, check, context)) {
    for (const auto& outcome : together->passes) say(context, outcome);
    return std::move(*together);
  }
  Prepared prepared;
  for (const auto& pass : passes) {
    context.check_stop();
    prepared.passes.push_back(run_pass(model, pass, check));
    const auto& outcome = prepared.passes.back();
    if (outcome.status == PassOutcome::Status::undone && (pass.required || strict)) {
      throw Error(ErrorKind::verification, "preparation step " + pass.name + " failed its check: " + outcome.detail);
    }
    say(context, outcome);
    progress->tick();
  }
  return prepared;
}

Prepared prepare(Model& model, const PrepareOptions& options, std::span<const std::vector<Tensor>> inputs, const Context& context) {
  refuse_bad_weights(model.graph());
  const ParityRuns runs{context.threads, options.one_at_a_time ? 1 : context.samples_at_once(), options.keep_outputs};
  ParityCheck check(model.proto, inputs, runs);
  auto prepared = run_passes(model, preparation_passes(options), options.strict, check, context);
  if (!options.keep_outputs) prepared.outputs.clear();
  return prepared;
}

}  // namespace quantize
