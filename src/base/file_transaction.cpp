#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "base/files.h"
#include "base/locked_folder.h"
#include "base/place.h"

namespace quantize {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view decided = ".commit", backup_suffix = ".old";

// A folder of ours, and none that a user gave such a name.
bool is_staging(std::string name) {
  if (name.ends_with(decided)) name.resize(name.size() - decided.size());
  return is_hidden_folder(name);
}

[[noreturn]] void fail_writing(const fs::path& path, int code) {
  throw Error(ErrorKind::output, "cannot write " + path.string() + ": " + std::strerror(code));
}

// What killed runs left in `parent`: a decided transaction is completed, any other removed. Nobody is told; what cannot be done stays.
void clean_debris(const fs::path& parent) {
  std::error_code ignored;
  std::vector<fs::path> left;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    if (is_staging(entry.path().filename().string())) left.push_back(entry.path());
  }
  for (const auto& folder : left) {
    const int lock = lock_folder(folder);
    if (lock < 0) continue;  // a run at work
    if (folder.string().ends_with(decided)) {
      for (const auto& file : fs::directory_iterator(folder, ignored)) {
        const auto name = file.path().filename();
        if (!name.string().ends_with(backup_suffix)) fs::rename(file.path(), parent / name, ignored);
      }
    }
    fs::remove_all(folder, ignored);
    ::close(lock);
  }
}

struct Rename {
  std::string from, to;
};

struct Move {
  std::string from, to, backup;
};

struct MoveResult {
  int code = 0;            // errno of what failed
  std::size_t failed = 0;  // number of the move that failed
  bool ended = false;      // it came to its end, one way or the other
};

// A second name for the file that is about to be replaced. Where the file system knows no hard links it gives up its first one.
void keep(const Move& move) {
  struct stat status {};
  if (::link(move.to.c_str(), move.backup.c_str()) == 0 || ::stat(move.to.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  ::rename(move.to.c_str(), move.backup.c_str());
}

// Decides, then moves. Each rename is atomic; what keep() kept lets a later failure bring the old content back. Nothing but system calls:
// this runs in a forked child of a program with threads.
void move_all(const std::vector<Rename>& decisions, const std::vector<Move>& moves, MoveResult& result) {
  for (const auto& decision : decisions) {
    if (::rename(decision.from.c_str(), decision.to.c_str()) != 0) {
      result.code = errno;
      return;
    }
  }
  std::size_t done = 0;
  for (; done < moves.size(); ++done) {
    keep(moves[done]);
    if (::rename(moves[done].from.c_str(), moves[done].to.c_str()) != 0) break;
  }
  if (done == moves.size()) return;
  result.code = errno;
  result.failed = done;
  ::rename(moves[done].backup.c_str(), moves[done].to.c_str());
  while (done-- > 0) {
    if (::rename(moves[done].backup.c_str(), moves[done].to.c_str()) != 0) ::unlink(moves[done].to.c_str());
  }
}

// A child in a session of its own goes on when this process is killed; where none can be made, this process does it itself.
MoveResult move_all_in_child(const std::vector<Rename>& decisions, const std::vector<Move>& moves) {
  MoveResult result;
  void* shared = ::mmap(nullptr, sizeof(MoveResult), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const pid_t child = shared == MAP_FAILED ? -1 : ::fork();
  if (child == 0) {
    ::setsid();
    auto& told = *static_cast<MoveResult*>(shared);
    move_all(decisions, moves, told);
    told.ended = true;
    ::_exit(0);
  }
  if (child < 0) {
    move_all(decisions, moves, result);
    result.ended = true;
  } else {
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    result = *static_cast<MoveResult*>(shared);
  }
  if (shared != MAP_FAILED) ::munmap(shared, sizeof(MoveResult));
  return result;
}

}  // namespace

FileTransaction::~FileTransaction() { close(); }

void FileTransaction::close() {
  std::error_code ignored;
  for (const auto& staging : stagings_) {
    fs::remove_all(staging.folder, ignored);
    ::close(staging.lock);
  }
  stagings_.clear();
  entries_.clear();
}

FileTransaction::Staging& FileTransaction::staging_for(const fs::path& path) {
  const auto parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  for (auto& staging : stagings_) {
    if (staging.parent == parent) return staging;
  }
  clean_debris(parent);
  const auto made = make_locked_folder(parent, path);
  return stagings_.emplace_back(Staging{parent, made.path, made.lock});
}

fs::path FileTransaction::reserve(const fs::path& path) {
  refuse_to_replace(path);
  const auto place = place_of(path);
  for (const auto& entry : entries_) {
    if (place_of(entry.final) == place)
      throw Error(ErrorKind::output, "two results would be written to " + path.string() + "; give one of them another name");
  }
  auto temporary = staging_for(path).folder / path.filename();
  entries_.push_back({temporary, path});
  return temporary;
}

fs::path FileTransaction::write(const fs::path& path, std::string_view bytes) {
  auto temporary = reserve(path);
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (descriptor < 0) fail_writing(path, errno);
  int failure = 0;
  while (!bytes.empty() && failure == 0) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      failure = errno;
    }
  }
  if (failure == 0 && ::fsync(descriptor) != 0 && errno != EINVAL) failure = errno;  // a full disk may show only here
  ::close(descriptor);
  if (failure != 0) fail_writing(path, failure);
  return temporary;
}

// A staging folder is decided by one rename; with several (files in several folders) the first decides for all but a power cut.
void FileTransaction::publish() {
  if (entries_.empty()) return;
  std::vector<Rename> decisions;
  std::vector<Move> moves;
  for (auto& staging : stagings_) {
    decisions.push_back({staging.folder.string(), staging.folder.string() + std::string(decided)});
    staging.folder = decisions.back().to;
  }
  for (const auto& [temporary, final] : entries_) {
    const auto from = fs::path(temporary.parent_path().string() + std::string(decided)) / temporary.filename();
    moves.push_back({from.string(), final.string(), from.string() + std::string(backup_suffix)});
  }
  const MoveResult result = move_all_in_child(decisions, moves);
  if (!result.ended) {
    for (const auto& staging : stagings_) ::close(staging.lock);
    stagings_.clear();  // what was decided stays for the next run to complete
    throw Error(ErrorKind::output,
                "cannot write " + entries_.front().final.string() + ": the process that moves files to their places was killed");
  }
  if (result.code != 0) fail_writing(entries_[result.failed].final, result.code);
  close();
}

}  // namespace quantize
