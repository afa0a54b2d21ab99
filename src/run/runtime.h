// ONNX Runtime's environment, of which a process has one: its logger and the plugin libraries loaded into it. Internal to run/.
#pragma once

#include <onnxruntime_cxx_api.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "run/provider.h"

namespace quantize {

class Runtime {
 public:
  // Throws Error{usage} when the ONNX Runtime found at run time is older than the one this program was built for.
  static Runtime& instance();

  // The execution providers that ONNX Runtime has built in; the one that `name` means, in full or short, empty where there is none.
  static std::vector<std::string> built_in_providers();
  static std::string built_in(const std::string& name);

  Ort::Env& env() { return env_; }
  std::vector<std::string> take_warnings();

  // Adds the provider to a session's options, loading its library the first time. Throws Error{usage} where that is not possible.
  void append(Ort::SessionOptions& options, const Provider& provider);

 private:
  Runtime() = default;
  static void ORT_API_CALL log(void* self, OrtLoggingLevel severity, const char* category, const char* log_id, const char* location,
                               const char* message);
  const std::string& ep_name_of_library(const Provider& provider);
  void append_built_in(Ort::SessionOptions& options, const Provider& provider);

  std::mutex mutex_;
  std::vector<std::string> warnings_;
  std::map<std::filesystem::path, std::string> loaded_;  // plugin library -> name of the execution provider it brought
  Ort::Env env_{ORT_LOGGING_LEVEL_WARNING, "quantize", log, this};
};

// While it lives, what the process prints to its standard output goes to standard error: simulators print banners there.
class QuietStandardOutput {
 public:
  QuietStandardOutput();
  ~QuietStandardOutput();
  QuietStandardOutput(const QuietStandardOutput&) = delete;
  QuietStandardOutput& operator=(const QuietStandardOutput&) = delete;

 private:
  int saved_ = -1;
};

}  // namespace quantize
