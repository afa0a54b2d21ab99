#include "run/provider.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include "base/error.h"
#include "base/lower_case.h"
#include "base/suggest.h"
#include "run/runtime.h"

namespace quantize {
namespace {

#if defined(__x86_64__)
constexpr bool runs_on_a_simulator = true;  // the plugin for this processor brings the NPU's simulator
#else
constexpr bool runs_on_a_simulator = false;
#endif

// What tools/setup.sh --with NAME installs: the package's folder in the cache, the library in it, and what the provider has to be told.
struct Known {
  std::string name, package, library;
  std::vector<std::pair<std::string, std::string>> paths;  // option -> file of the package
  std::vector<std::pair<std::string, std::string>> options;
  bool simulated;
};

const std::vector<Known>& known_providers() {
  static const std::vector<Known> table = {
      // Quantizing the graph's inputs is the NPU's work too: "1" would leave it to the CPU provider. Without an architecture it is that of
      // 2020, whose arithmetic is coarser than that of the phones sold since 2023.
      {"qnn",
       "onnxruntime-qnn",
       "onnxruntime_qnn/libonnxruntime_providers_qnn.so",
       {{"backend_path", "onnxruntime_qnn/libQnnHtp.so"}},
       {{"offload_graph_io_quantization", "0"}, {"htp_arch", "75"}},
       runs_on_a_simulator},
      {"openvino", "openvino", "openvino/libs", {}, {}, false},
  };
  return table;
}

Provider resolve(const Known& known) {
  const auto folder = cached_package(known.package);
  if (folder.empty()) {
    throw Error(ErrorKind::usage, "the provider '" + known.name + "' is not installed: run tools/setup.sh --with " + known.name +
                                      ", or give its library with --provider " + known.name + ":LIBRARY");
  }
  Provider provider{known.name, folder / known.library, {}, known.simulated};
  for (const auto& [key, file] : known.paths) provider.options[key] = folder / file;
  for (const auto& [key, value] : known.options) provider.options[key] = value;
  return provider;
}

// A library given by hand: what it has to be told is looked for beside it.
void use_files_beside(Provider& provider, const Known& known) {
  provider.simulated = known.simulated;
  for (const auto& [key, file] : known.paths) {
    const auto beside = provider.library.parent_path() / std::filesystem::path(file).filename();
    if (std::filesystem::exists(beside)) provider.options[key] = beside;
  }
  provider.options.insert(known.options.begin(), known.options.end());
}

}  // namespace

void refuse_unknown_provider(const Provider& provider) {
  if (provider.is_cpu() || !provider.library.empty() || !Runtime::built_in(provider.name).empty()) return;
  std::string names;
  std::vector<std::string> known;
  for (const auto& one : known_providers()) known.push_back(one.name);
  for (const auto& name : Runtime::built_in_providers()) {
    names += (names.empty() ? "" : ", ") + name;
    known.push_back(short_name(name));
  }
  throw Error(ErrorKind::usage, "--provider " + provider.name +
                                    ": this ONNX Runtime has no execution provider of that name built in (it has " + names +
                                    "); give a plugin library with --provider NAME:LIBRARY" + did_you_mean(provider.name, known));
}

void refuse_unknown_htp_arch(const std::string& option, const std::string& arch) {
  // Of version 2.7.0: those whose binaries differ from that of a number that makes no sense.
  constexpr const char* known[] = {"68", "69", "73", "75", "79", "81"};
  if (std::ranges::find(known, arch) != std::end(known)) return;
  std::string list;
  for (const auto* one : known) list += std::string(list.empty() ? "" : ", ") + one;
  throw Error(ErrorKind::usage, option + ": '" + arch + "' is no generation of the NPU; known: " + list);
}

std::string short_name(const std::string& provider) {
  const std::string name = lower_case(provider);
  const auto suffix = name.rfind("executionprovider");
  return suffix == std::string::npos || suffix == 0 ? name : name.substr(0, suffix);
}

std::filesystem::path cached_package(const std::string& package) {
  const char *cache = std::getenv("QUANTIZE_CACHE"), *home = std::getenv("HOME");
  if (cache == nullptr && home == nullptr) return {};
  const std::filesystem::path folder = cache != nullptr ? cache : std::filesystem::path(home) / ".cache" / "quantize";
  std::error_code code;
  std::filesystem::path newest;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    const std::string name = entry.path().filename();
    const bool version_follows = name.size() > package.size() + 1 && name.starts_with(package + "-") &&
                                 std::isdigit(static_cast<unsigned char>(name[package.size() + 1])) != 0;
    // strverscmp: 2.10 comes after 2.7.
    if (version_follows && ::strverscmp(name.c_str(), newest.filename().c_str()) > 0) newest = entry.path();
  }
  return newest;
}

Provider parse_provider(const std::string& text) {
  std::istringstream words(text);
  std::string name, option;
  std::getline(words, name, ',');
  std::string library;
  if (const auto colon = name.find(':'); colon != std::string::npos) {
    library = name.substr(colon + 1);
    name.resize(colon);
    if (library.empty()) throw Error(ErrorKind::usage, "--provider " + text + ": no library after the colon");
  }
  if (name.empty()) throw Error(ErrorKind::usage, "--provider '" + text + "' names no provider; write NAME[:LIBRARY][,key=value...]");
  const auto known = std::ranges::find(known_providers(), name, &Known::name);
  Provider provider{library.empty() && short_name(name) == "cpu" ? "cpu" : name, library, {}, false};
  if (library.empty() && known != known_providers().end()) provider = resolve(*known);
  if (!library.empty()) {
    std::error_code code;
    if (!std::filesystem::exists(library, code)) throw Error(ErrorKind::usage, "--provider " + name + ": there is no " + library);
    if (known != known_providers().end()) use_files_beside(provider, *known);
  }
  while (std::getline(words, option, ',')) {
    const auto equals = option.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw Error(ErrorKind::usage, "--provider " + name + ": '" + option + "' is not of the form key=value");
    }
    if (provider.is_openvino())
      throw Error(ErrorKind::usage, "--provider " + text + ": options are not passed on to OpenVINO's own runtime; leave them out");
    provider.options[option.substr(0, equals)] = option.substr(equals + 1);
  }
  if (library.empty() && name == "qnn") refuse_unknown_htp_arch("--provider qnn,htp_arch", provider.options["htp_arch"]);
  return provider;
}

}  // namespace quantize
