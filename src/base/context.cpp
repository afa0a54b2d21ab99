#include "base/context.h"

#include <algorithm>

#include "base/error.h"

namespace quantize {
namespace {

class SilentProgress : public Progress {
 public:
  void tick() override {}
};

}  // namespace

void Context::say(LogLevel level, std::string_view text) const {
  const std::lock_guard lock(mutex_);
  if (log) log(level, text);
}

void Context::keep(std::vector<std::string>& list, LogLevel level, std::string_view text) {
  {
    const std::lock_guard lock(mutex_);
    if (std::find(list.begin(), list.end(), text) != list.end()) return;
    list.emplace_back(text);
  }
  say(level, text);
}

void Context::warn(std::string_view text) { keep(warnings_, LogLevel::warning, text); }
void Context::note(std::string_view text) { keep(notes_, LogLevel::info, text); }

std::vector<std::string> Context::warnings() const {
  const std::lock_guard lock(mutex_);
  return warnings_;
}

std::vector<std::string> Context::notes() const {
  const std::lock_guard lock(mutex_);
  return notes_;
}

unsigned Context::samples_at_once() const {
  const unsigned most = std::max(threads, 1U);
  return workers == 0 ? most : std::min(workers, most);
}

std::unique_ptr<Progress> Context::step(std::string_view title, std::size_t total) const {
  if (auto shown = progress ? progress(title, total) : nullptr) return shown;
  return std::make_unique<SilentProgress>();
}

void Context::check_stop() const {
  if (stop.stop_requested()) throw Error(ErrorKind::interrupted, "interrupted; nothing was written");
}

}  // namespace quantize
