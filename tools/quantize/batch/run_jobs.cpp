#include "batch/run_jobs.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <map>
#include <thread>

#include "base/error.h"

namespace quantize::cli {
namespace {

using Clock = std::chrono::steady_clock;

struct Running {
  std::size_t index;
  Clock::time_point start;
};

// Between fork and exec only what is safe there: everything is made before.
pid_t start(const Process& process, const std::filesystem::path& folder, std::uint64_t memory) {
  std::vector<char*> words = {const_cast<char*>("quantize")};
  for (const auto& word : process.words) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const int log = ::open(process.log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (log < 0) throw Error(ErrorKind::output, "cannot write " + process.log.string() + ": " + std::strerror(errno));
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);  // a batch that is killed leaves no worker behind
    const bool orphan = ::getppid() != parent;
    const rlimit limit{memory, memory};
    const bool limited = memory == 0 || ::setrlimit(RLIMIT_DATA, &limit) == 0;
    if (orphan || !limited || ::chdir(folder.c_str()) != 0 || ::dup2(log, 1) < 0 || ::dup2(log, 2) < 0) ::_exit(1);
    ::execv("/proc/self/exe", words.data());
    ::_exit(1);
  }
  const int reason = errno;
  ::close(log);
  if (child < 0) throw Error(ErrorKind::internal, std::string("cannot start a process: ") + std::strerror(reason));
  return child;
}

Ended ended_of(int status, Clock::time_point start) {
  Ended ended;
  ended.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  ended.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  ended.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return ended;
}

// Asks all to stop, when it goes out of scope with some still running, and waits for them.
class Workers {
 public:
  ~Workers() {
    for (const auto& [process, running] : running_) ::kill(process, SIGTERM);
    for (const auto& [process, running] : running_) ::waitpid(process, nullptr, 0);
  }
  Workers() = default;
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  [[nodiscard]] std::size_t count() const { return running_.size(); }
  void add(pid_t process, std::size_t index) { running_[process] = {index, Clock::now()}; }

  // Those that have ended since the last call. Only our own: the library starts processes too.
  void collect(const std::function<void(std::size_t, const Ended&)>& ended) {
    for (auto place = running_.begin(); place != running_.end();) {
      int status = 0;
      if (::waitpid(place->first, &status, WNOHANG) != place->first) {
        ++place;
        continue;
      }
      const Running done = place->second;
      place = running_.erase(place);
      ended(done.index, ended_of(status, done.start));
    }
  }

 private:
  std::map<pid_t, Running> running_;
};

}  // namespace

void run_processes(const std::vector<Process>& processes, const std::filesystem::path& folder, unsigned workers, std::uint64_t memory,
                   const std::function<void(std::size_t, const Ended&)>& ended, const Context& context) {
  Workers running;
  for (std::size_t next = 0; next < processes.size() || running.count() > 0;) {
    if (context.stop.stop_requested())
      throw Error(ErrorKind::interrupted, "interrupted; what is finished stays, and the same command goes on from there");
    while (next < processes.size() && running.count() < workers) {
      running.add(start(processes[next], folder, memory), next);
      ++next;
    }
    running.collect(ended);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace quantize::cli
