#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "base/memory.h"
#include "base/stopwatch.h"
#include "evaluate/evaluate.h"
#include "run/session.h"

extern char** environ;

namespace quantize {
namespace {

double time_run(const Session& session, std::span<const Tensor> inputs) {
  const Stopwatch watch;
  session.run_discarding(inputs);
  return watch.milliseconds();
}

// Linear interpolation between order statistics, as numpy's default.
double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const std::size_t high = std::min(low + 1, values.size() - 1);
  return values[low] + (place - static_cast<double>(low)) * (values[high] - values[low]);
}

LatencyFacts facts(const std::vector<double>& times) { return {quantile(times, 0.5), quantile(times, 0.1), quantile(times, 0.9)}; }

}  // namespace

TimesInTurn time_in_turn(const Session& first, std::span<const Tensor> first_inputs, const Session& second,
                         std::span<const Tensor> second_inputs, int runs, const Context& context, Progress& progress) {
  constexpr int warm_up = 3;
  TimesInTurn times;
  for (int run = -warm_up; run < runs; ++run) {
    context.check_stop();
    const double a = time_run(first, first_inputs), b = time_run(second, second_inputs);
    if (run < 0) continue;
    times.first.push_back(a);
    times.second.push_back(b);
    progress.tick();
  }
  return times;
}

double median(const std::vector<double>& values) { return quantile(values, 0.5); }

Latency measure_latency(const std::filesystem::path& fp32, std::span<const Tensor> fp32_inputs, const std::filesystem::path& quantized,
                        std::span<const Tensor> quantized_inputs, int runs, unsigned threads, const Context& context) {
  // The model as it was loaded: ONNX Runtime itself refuses some files that only name two nodes alike.
  const SessionOptions options{.threads = threads, .plan_memory = true};
  const Session a(load_model(fp32).proto, options), b(quantized, options);
  const auto progress = context.step("measure latency", static_cast<std::size_t>(runs));
  const auto [times_a, times_b] = time_in_turn(a, fp32_inputs, b, quantized_inputs, runs, context, *progress);
  std::vector<double> ratios;
  for (std::size_t run = 0; run < times_a.size(); ++run) ratios.push_back(times_a[run] / times_b[run]);
  return {facts(times_a), facts(times_b), median(ratios), runs, threads};
}

std::uint64_t run_for_memory(const std::filesystem::path& model, const std::vector<Shape>& shapes) {
  const Session session(model, {.plan_memory = true});
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < session.inputs().size(); ++i) {
    inputs.push_back(Tensor::zeros(session.inputs()[i].type, i < shapes.size() ? shapes[i] : session.inputs()[i].shape));
  }
  for (int run = 0; run < 2; ++run) session.run_discarding(inputs);
  return peak_resident_memory();
}

std::optional<std::uint64_t> peak_memory_of(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  int channel[2];
  if (pipe2(channel, O_CLOEXEC) != 0) return std::nullopt;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, channel[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  const int failure = posix_spawn(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(channel[1]);
  char text[64] = {};
  if (failure == 0) {
    for (std::size_t used = 0; used + 1 < sizeof text;) {
      const ssize_t got = read(channel[0], text + used, sizeof text - 1 - used);
      if (got <= 0) break;
      used += static_cast<std::size_t>(got);
    }
  }
  close(channel[0]);
  int status = 0;
  if (failure != 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return std::strtoull(text, nullptr, 10);
}

}  // namespace quantize
