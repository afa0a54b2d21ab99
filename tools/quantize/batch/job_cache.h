// Finished jobs by content: what a job's result depends on is its key, so a job whose key is known need not run again.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "batch/jobs_file.h"

namespace quantize::cli {

struct Finished {
  int exit_code = 0;
  double seconds = 0;
};

class JobCache {
 public:
  explicit JobCache(std::filesystem::path folder);

  // Fingerprint of the model's bytes, of every file in the image and label folders, of the settings that matter, of the files they name
  // and of this program; empty for a job that writes more files than those beside its output, which is not to be kept.
  // `base`: what the job's paths are relative to.
  std::string key(const Job& job, const std::filesystem::path& base);

  // Puts the files of a finished job of this key beside `stem` (the output without .onnx) and says how it ended; nothing where there is
  // none.
  [[nodiscard]] std::optional<Finished> fetch(const std::string& key, const std::filesystem::path& stem) const;
  // Keeps the files beside `stem`. The record is written last, so that a crash leaves no half of anything.
  void store(const std::string& key, const std::filesystem::path& stem, const Finished& finished) const;

 private:
  std::string folder_or_none(const std::filesystem::path& folder, const std::filesystem::path& base);
  std::string folder_fingerprint(const std::filesystem::path& folder);
  std::filesystem::path folder_;
  std::string program_;
  std::map<std::filesystem::path, std::string> known_;
};

}  // namespace quantize::cli
