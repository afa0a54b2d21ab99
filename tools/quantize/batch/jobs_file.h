// The jobs file of `quantize batch`: models x schemes x settings, as TOML -> one command line per job.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "arguments.h"

namespace quantize::cli {

// "nets/unet.onnx", {"--scheme=w8a8", "--calib=images"}; paths relative to the folder of the jobs file.
struct Job {
  std::string name;                // of its files: "unet.w8a8"
  std::vector<std::string> words;  // the command line after `quantize`, without -o
  Arguments arguments;             // the same, parsed
};

// [defaults] holds options of the main job; every [[job]] adds to them or overrides them. A list multiplies the job, except where the
// option itself takes several values (mean, exclude). `model` takes globs. `name` starts the names of a job's files. Throws Error{usage}
// naming file, line or job for bad TOML, an unknown option, a value that cannot work, a glob that matches nothing, two jobs of one name.
std::vector<Job> read_jobs(std::string_view toml, const std::filesystem::path& file);

}  // namespace quantize::cli
