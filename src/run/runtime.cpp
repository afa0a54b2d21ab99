#include "run/runtime.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <unordered_map>

#include "base/error.h"

namespace quantize {
namespace {

std::unordered_map<std::string, std::string> unordered(const std::map<std::string, std::string>& options) {
  return {options.begin(), options.end()};
}

#if ORT_API_VERSION >= 24
// Of several devices of one provider, the one made for the work.
std::vector<Ort::ConstEpDevice> devices_of(const Ort::Env& env, const std::string& ep_name) {
  std::vector<Ort::ConstEpDevice> devices;
  for (const auto& device : env.GetEpDevices()) {
    if (ep_name != device.EpName()) continue;
    const bool npu = device.Device().Type() == OrtHardwareDeviceType_NPU;
    devices.insert(npu ? devices.begin() : devices.end(), device);
  }
  if (devices.size() > 1) devices.resize(1, devices[0]);
  return devices;
}
#endif

}  // namespace

Runtime& Runtime::instance() {
  if (OrtGetApiBase()->GetApi(ORT_API_VERSION) == nullptr) {
    throw Error(ErrorKind::usage, std::string("the ONNX Runtime found is version ") + OrtGetApiBase()->GetVersionString() +
                                      ", but this program was built for 1." + std::to_string(ORT_API_VERSION) +
                                      " or newer; run tools/setup.sh and build again, or remove the older one from LD_LIBRARY_PATH");
  }
  static Runtime runtime;
  return runtime;
}

std::vector<std::string> Runtime::built_in_providers() {
  static_cast<void>(instance());  // says so where ONNX Runtime is too old, before anything of it is used
  return Ort::GetAvailableProviders();
}

std::string Runtime::built_in(const std::string& name) {
  const auto available = built_in_providers();
  const auto found = std::ranges::find(available, short_name(name), short_name);
  return found == available.end() ? "" : *found;
}

void ORT_API_CALL Runtime::log(void* self, OrtLoggingLevel severity, const char* /*category*/, const char* /*log_id*/,
                               const char* /*location*/, const char* message) {
  if (severity < ORT_LOGGING_LEVEL_WARNING) return;
  auto& runtime = *static_cast<Runtime*>(self);
  const std::lock_guard lock(runtime.mutex_);
  runtime.warnings_.emplace_back(message);
}

std::vector<std::string> Runtime::take_warnings() {
  const std::lock_guard lock(mutex_);
  return std::exchange(warnings_, {});
}

#if ORT_API_VERSION >= 24

const std::string& Runtime::ep_name_of_library(const Provider& provider) {
  auto& name = loaded_[provider.library];
  if (!name.empty()) return name;
  const auto known = env_.GetEpDevices();
  env_.RegisterExecutionProviderLibrary(provider.name.c_str(), provider.library);
  for (const auto& device : env_.GetEpDevices()) {
    const bool before = std::ranges::any_of(known, [&](const auto& old) { return std::string(old.EpName()) == device.EpName(); });
    if (!before) return name = device.EpName();
  }
  throw Error(ErrorKind::usage, "the provider library " + provider.library.string() +
                                    " was loaded, but offers no device on this machine; see its requirements");
}

void Runtime::append(Ort::SessionOptions& options, const Provider& provider) {
  if (provider.is_cpu()) return;  // always there
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  try {
    if (provider.library.empty()) return append_built_in(options, provider);
    options.AppendExecutionProvider_V2(env_, devices_of(env_, ep_name_of_library(provider)), unordered(provider.options));
  } catch (const Ort::Exception& error) {
    throw Error(ErrorKind::usage, "the execution provider " + provider.name + " cannot be used: " + error.what());
  }
}

void Runtime::append_built_in(Ort::SessionOptions& options, const Provider& provider) {
  refuse_unknown_provider(provider);
  const std::string name = built_in(provider.name);
  if (short_name(name) == "cpu") return;
  if (const auto devices = devices_of(env_, name); !devices.empty()) {
    options.AppendExecutionProvider_V2(env_, devices, unordered(provider.options));
  } else {
    options.AppendExecutionProvider(name.substr(0, name.rfind("ExecutionProvider")), unordered(provider.options));
  }
}

#else

const std::string& Runtime::ep_name_of_library(const Provider& provider) { return provider.name; }
void Runtime::append_built_in(Ort::SessionOptions&, const Provider&) {}
void Runtime::append(Ort::SessionOptions&, const Provider& provider) {
  if (provider.is_cpu()) return;
  throw Error(ErrorKind::usage,
              std::string("ONNX Runtime ") + OrtGetApiBase()->GetVersionString() +
                  " is too old for execution providers as plugins (1.24 or newer is needed); run tools/setup.sh and build "
                  "again without -DONNXRUNTIME_ROOT");
}

#endif

QuietStandardOutput::QuietStandardOutput() {
  std::fflush(stdout);
  saved_ = ::dup(STDOUT_FILENO);
  if (saved_ >= 0) ::dup2(STDERR_FILENO, STDOUT_FILENO);
}

QuietStandardOutput::~QuietStandardOutput() {
  if (saved_ < 0) return;
  std::fflush(stdout);
  ::dup2(saved_, STDOUT_FILENO);
  ::close(saved_);
}

}  // namespace quantize
