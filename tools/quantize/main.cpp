#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string_view>
#include <system_error>
#include <thread>

#include "arguments.h"
#include "base/error.h"
#include "commands/commands.h"
#include "console.h"

namespace {

using quantize::Context;
using quantize::Error;
using quantize::ErrorKind;
using quantize::cli::Arguments;

// Ctrl-C and SIGTERM ask the run to stop at the next unit of work; it then removes what it had begun to write. A second Ctrl-C ends the
// program at once.
void stop_on_signals(const std::stop_source& source) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // inherited by every thread made later: only the one below receives them
  std::thread([signals, source]() mutable {
    for (int interrupts = 0; interrupts < 2;) {
      int received = 0;
      sigwait(&signals, &received);
      source.request_stop();
      if (received == SIGINT) ++interrupts;  // SIGTERM does not count: `batch` sends it to workers that had the terminal's Ctrl-C as well
    }
    ::_exit(static_cast<int>(ErrorKind::interrupted));
  }).detach();
}

int run(Arguments& arguments) {
  refuse_missing_model(arguments);
  Context context;
  context.threads = arguments.threads != 0 ? arguments.threads : std::max(1U, std::thread::hardware_concurrency());
  context.workers = arguments.at_once;
  std::stop_source source;
  context.stop = source.get_token();
  stop_on_signals(source);
  connect_console(context, arguments.verbosity, arguments.log_json);
  std::signal(SIGCHLD, SIG_DFL);  // where whoever started us ignores it, nobody could wait for a process
  arguments.options.memory_command = {"/proc/self/exe", "measure-memory"};
  const int code = arguments.command->run(arguments, context);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw Error(ErrorKind::output, "cannot write to standard output");
  return code;
}

// Where the process itself may have only so much, that is an option: somebody's choice.
int report_out_of_memory(bool log_json) {
  rlimit limit{};
  const bool limited = ::getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  const int code = static_cast<int>(limited ? ErrorKind::usage : ErrorKind::internal);
  const std::string where = limited ? ": it may allocate only " + std::to_string(limit.rlim_cur >> 20) +
                                          " MB (--memory of `quantize batch`, or ulimit -d); allow more, or use "
                                    : "; use ";
  quantize::cli::report_error("out of memory" + where + "--memory-limit, --at-once 1 or fewer --threads", code, log_json);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  bool log_json = std::any_of(argv, argv + argc, [](const char* word) { return std::string_view(word) == "--log-json"; });
  try {
    Arguments arguments = quantize::cli::parse(argc, argv);
    if (arguments.exit) return *arguments.exit;
    log_json = arguments.log_json;
    return run(arguments);
  } catch (const Error& error) {
    quantize::cli::report_error(error.what(), error.exit_code(), log_json);
    return error.exit_code();
  } catch (const std::bad_alloc&) {
    return report_out_of_memory(log_json);
  } catch (const std::system_error& error) {
    if (error.code() == std::errc::resource_unavailable_try_again) return report_out_of_memory(log_json);  // no room for a thread's stack
    quantize::cli::report_error(std::string("internal: ") + error.what(), 1, log_json);
    return 1;
  } catch (const std::exception& error) {
    quantize::cli::report_error(std::string("internal: ") + error.what(), 1, log_json);
    return 1;
  }
}
