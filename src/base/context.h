// What every stage is given besides its input: how many threads it may use, where to say something, and whether it was asked to stop.
// The library never prints; whoever calls it (the command line, a test, another program) decides what to do with messages and progress.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace quantize {

enum class LogLevel { debug, info, warning };

// One bar: made when a step begins, ticked once per unit of work, destroyed when the step ends. `tick` may be called from several threads.
class Progress {
 public:
  virtual ~Progress() = default;
  virtual void tick() = 0;
};

class Context {
 public:
  using LogFunction = std::function<void(LogLevel, std::string_view)>;
  using ProgressFunction = std::function<std::unique_ptr<Progress>(std::string_view title, std::size_t total)>;

  unsigned threads = 1;
  unsigned workers = 0;  // samples run through a model at once, each of which needs memory of its own; 0: as many as threads
  std::size_t working_memory = std::size_t{1200} << 20;  // bytes of activations and sums that a step may keep, besides runs of the model
  std::stop_token stop;
  LogFunction log;
  ProgressFunction progress;

  void debug(std::string_view text) const { say(LogLevel::debug, text); }
  void info(std::string_view text) const { say(LogLevel::info, text); }
  // Warnings are also kept, in the order they came and each text once, for the report.
  void warn(std::string_view text);
  [[nodiscard]] std::vector<std::string> warnings() const;
  // What was found and solved without anyone having to act: said as information, and kept for the report in the same way.
  void note(std::string_view text);
  [[nodiscard]] std::vector<std::string> notes() const;

  // Samples that run through a model at the same time: `workers`, as far as there are threads for them.
  [[nodiscard]] unsigned samples_at_once() const;

  // Never null.
  [[nodiscard]] std::unique_ptr<Progress> step(std::string_view title, std::size_t total) const;
  // Throws Error{interrupted} once `stop` was requested. Called between units of work.
  void check_stop() const;

 private:
  void say(LogLevel level, std::string_view text) const;
  void keep(std::vector<std::string>& list, LogLevel level, std::string_view text);
  mutable std::mutex mutex_;
  std::vector<std::string> warnings_, notes_;
};

}  // namespace quantize
