// Runs command lines of this program as processes of their own, several at a time: one that crashes takes nothing else down.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/context.h"

namespace quantize::cli {

struct Process {
  std::vector<std::string> words;  // after the program's name
  std::filesystem::path log;       // takes what it prints
};

struct Ended {
  int exit_code = 0;  // 1 where a signal ended it
  int signal = 0;     // 0: it ended by itself
  double seconds = 0;
};

// `folder`: where they run. `memory`: bytes each may allocate; 0: no limit. `ended` is called in the order they end, from this thread.
// When context.stop is requested, those that run are asked to stop, and Error{interrupted} is thrown once they have.
void run_processes(const std::vector<Process>& processes, const std::filesystem::path& folder, unsigned workers, std::uint64_t memory,
                   const std::function<void(std::size_t index, const Ended& ended)>& ended, const Context& context);

}  // namespace quantize::cli
