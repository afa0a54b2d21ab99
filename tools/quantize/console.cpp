#include "console.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "formats/dump.h"
#include "report/words.h"

namespace quantize::cli {
namespace {

bool terminal() { return isatty(STDERR_FILENO) != 0; }

// On a terminal, unless NO_COLOR (no-color.org) is set to anything.
bool color_wanted() {
  const char* refusal = std::getenv("NO_COLOR");
  return terminal() && (refusal == nullptr || *refusal == '\0');
}

spdlog::level::level_enum spd_level(LogLevel level) {
  return level == LogLevel::warning ? spdlog::level::warn : level == LogLevel::info ? spdlog::level::info : spdlog::level::debug;
}

// Libraries underneath put line breaks into their messages; a message of ours is one line.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char letter : text) {
    const bool after_break = !line.empty() && line.back() == '\n';
    if (letter == '\n' || letter == '\r' || letter == '\t') {
      if (!after_break) line += '\n';
    } else if (letter != ' ' || !after_break) {
      line += letter;
    }
  }
  while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
  std::ranges::replace(line, '\n', ' ');
  return words::printable(std::move(line));
}

void log_object(const char* level, std::string_view text, int exit_code = 0) {
  nlohmann::ordered_json line{{"level", level}, {"message", one_line(text)}};
  if (exit_code != 0) line["exit_code"] = exit_code;
  std::fprintf(stderr, "%s\n", dump(line).c_str());
}

// "calibrate  [=========>          ] 41/80  about 12 s left", redrawn in place at most ten times a second; where standard error is no
// terminal, one plain line per step at its end.
class Bar : public Progress {
 public:
  Bar(std::string_view title, std::size_t total, bool redraw) : title_(title), total_(total), redraw_(redraw) { draw(true); }
  Bar(const Bar&) = delete;
  Bar& operator=(const Bar&) = delete;
  ~Bar() override {
    if (redraw_) {
      std::fprintf(stderr, "\r\033[K");
    } else if (seconds() >= 1) {
      std::fprintf(stderr, "%s: %zu of %zu in %.1f s\n", title_.c_str(), done_, total_, seconds());
    }
  }

  void tick() override {
    const std::lock_guard lock(mutex_);
    ++done_;
    draw(done_ == total_);
  }

 private:
  [[nodiscard]] double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  void draw(bool always) {
    const auto now = Clock::now();
    if (!redraw_ || (!always && now - drawn_ < std::chrono::milliseconds(100))) return;
    drawn_ = now;
    constexpr int width = 30;
    const int filled = total_ > 0 ? static_cast<int>(done_ * width / total_) : 0;
    std::string bar(static_cast<std::size_t>(filled), '=');
    bar.resize(width, ' ');
    std::fprintf(stderr, "\r\033[K%-18s [%s] %zu/%zu", title_.c_str(), bar.c_str(), done_, total_);
    std::fputs(time_left(seconds(), done_, total_).c_str(), stderr);
    std::fflush(stderr);
  }

  using Clock = std::chrono::steady_clock;
  std::string title_;
  std::size_t total_, done_ = 0;
  bool redraw_;
  std::mutex mutex_;
  Clock::time_point start_ = Clock::now(), drawn_;
};

}  // namespace

std::string time_left(double seconds, std::size_t done, std::size_t total) {
  constexpr double least = 0.5;  // earlier nothing is known: the first unit also pays for what is done once
  if (done == 0 || done >= total || seconds < least) return "";
  const double left = seconds / static_cast<double>(done) * static_cast<double>(total - done);
  char text[40];
  if (left < 90) {
    std::snprintf(text, sizeof text, "  about %.0f s left", std::ceil(left));
  } else {
    std::snprintf(text, sizeof text, "  about %.0f min left", std::ceil(left / 60));
  }
  return text;
}

void connect_console(Context& context, Verbosity verbosity, bool log_json) {
  const auto least = verbosity == Verbosity::quiet ? LogLevel::warning : verbosity == Verbosity::verbose ? LogLevel::debug : LogLevel::info;
  if (log_json) {
    context.log = [least](LogLevel level, std::string_view text) {
      if (level >= least) log_object(level == LogLevel::warning ? "warning" : level == LogLevel::info ? "info" : "debug", text);
    };
    return;
  }
  const auto color = color_wanted() ? spdlog::color_mode::always : spdlog::color_mode::never;
  auto logger = std::make_shared<spdlog::logger>("quantize", std::make_shared<spdlog::sinks::stderr_color_sink_mt>(color));
  logger->set_pattern("%^%l%$: %v");
  logger->set_level(spd_level(least));
  context.log = [logger](LogLevel level, std::string_view text) {
    if (terminal()) std::fprintf(stderr, "\r\033[K");  // a progress line may stand there
    logger->log(spd_level(level), "{}", one_line(text));
  };
  if (verbosity != Verbosity::quiet) {
    context.progress = [](std::string_view title, std::size_t total) { return std::make_unique<Bar>(title, total, terminal()); };
  }
}

void print(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) std::printf("%s\n", words::printable(line).c_str());
}

void report_error(const std::string& text, int exit_code, bool log_json) {
  if (log_json) {
    log_object("error", text, exit_code);
  } else {
    std::fprintf(stderr, "%s%s: %s\n", terminal() ? "\r\033[K" : "", color_wanted() ? "\033[31merror\033[0m" : "error",
                 one_line(text).c_str());
  }
}

}  // namespace quantize::cli
