// PROVIDER: what executes a model. ONNX Runtime's own CPU provider, another one built into it, or a plugin library loaded into the process.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace quantize {

struct Provider {
  std::string name = "cpu";       // short, as the report shows it: "cpu", "qnn", "openvino", or whatever --provider said
  std::filesystem::path library;  // the plugin; empty where ONNX Runtime has the provider built in
  std::map<std::string, std::string> options;
  bool simulated = false;  // the device is a simulator: results are the device's, times are not

  [[nodiscard]] bool is_cpu() const { return name == "cpu"; }
  [[nodiscard]] bool is_openvino() const { return name == "openvino" && std::filesystem::is_directory(library); }
};

// NAME[:LIBRARY][,key=value...]. `qnn` and `openvino` need no library: tools/setup.sh put theirs into the cache (QUANTIZE_CACHE, by default
// ~/.cache/quantize). Other names without a library are providers built into ONNX Runtime ("CUDAExecutionProvider", or "cuda" for short).
// Throws Error{usage} where the text is malformed, the library does not exist, or what is asked for is not installed, with the command that
// installs it.
Provider parse_provider(const std::string& text);

// Throws Error{usage}, with what was probably meant, where it has no library and ONNX Runtime has none of this name built in: said before
// a run rather than when its result is to be evaluated.
void refuse_unknown_provider(const Provider& provider);

// Throws Error{usage}, listing those that there are, where `arch` is no generation of Qualcomm's NPUs that the QNN provider knows: it takes
// any other number, without a word, for none at all. `option` says what gave the number.
void refuse_unknown_htp_arch(const std::string& option, const std::string& arch);

// In small letters and without its ending: "cuda" for "CUDAExecutionProvider".
std::string short_name(const std::string& provider);

// The folder <package>-<version> of the newest version in the cache; empty where there is none.
std::filesystem::path cached_package(const std::string& package);

// Where one node of a loaded model runs.
struct NodeAssignment {
  std::string node, op_type;
  std::string provider;  // as ONNX Runtime calls it: "QNNExecutionProvider", "CPUExecutionProvider"
  std::string reason;    // why the provider asked for did not take it, where it said so
};

}  // namespace quantize
