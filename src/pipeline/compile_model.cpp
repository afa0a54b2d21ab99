#include "pipeline/compile_model.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/scratch_folder.h"
#include "model/model.h"
#include "ops/target.h"
#include "pipeline/inspect_model.h"
#include "pipeline/version.h"
#include "report/write_report.h"
#include "run/compile_context.h"
#include "run/session.h"

namespace quantize {
namespace {

bool is_number(const std::string& text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

void validate(const CompileOptions& options) {
  if (find_target(options.target).provider.empty() || !find_target(options.target).compiles) {
    throw Error(ErrorKind::usage, "target " + options.target + " has no ahead-of-time compiler; `quantize compile` is for qnn");
  }
  if (options.htp_archs.empty()) throw Error(ErrorKind::usage, "--htp-arch names no architecture; for instance --htp-arch 73,75");
  const bool own_library = options.provider.find(':') != std::string::npos;  // which may know more of them
  std::set<std::string> given;
  for (const auto& arch : options.htp_archs) {
    if (!is_number(arch)) throw Error(ErrorKind::usage, "--htp-arch: '" + arch + "' is not a number; for instance 73, 75, 79 or 81");
    if (!own_library) refuse_unknown_htp_arch("--htp-arch", arch);
    if (!given.insert(arch).second) throw Error(ErrorKind::usage, "--htp-arch: " + arch + " is given twice");
  }
  if (!options.soc_model.empty() && !is_number(options.soc_model)) {
    throw Error(ErrorKind::usage, "--soc-model: '" + options.soc_model + "' is not a number");
  }
}

// A compiler of integer graphs says of others only what its own tables lack.
void refuse_float(const CompileOptions& options) {
  std::error_code code;
  if (!std::filesystem::is_regular_file(options.model, code)) throw Error(ErrorKind::model, "there is no model " + options.model.string());
  if (!is_quantized(inspect(load_model(options.model))))
    throw Error(ErrorKind::model, options.model.string() + " is not quantized; make a model for it with `quantize " +
                                      options.model.string() + " --calib DIR --target " + options.target + "`");
}

// What the provider says where it refuses a model does not tell the user what to do about it.
CompiledFiles compile(const CompileOptions& options, const std::filesystem::path& wrapper, const Provider& provider,
                      const std::string& arch) {
  try {
    return compile_context(options.model, wrapper, provider);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::model) throw;
    throw Error(error.kind(), options.model.string() + " cannot be compiled for " + options.target + " " + arch +
                                  " (only what was quantized with --target " + options.target +
                                  " is sure to be, without nodes that it leaves float): " + error.what());
  }
}

}  // namespace

std::vector<CompiledContext> compile_model(const CompileOptions& options, Context& context) {
  validate(options);
  Provider provider = parse_provider(options.provider.empty() ? find_target(options.target).provider : options.provider);
  const auto folder = !options.folder.empty()           ? options.folder
                      : options.model.has_parent_path() ? options.model.parent_path()
                                                        : std::filesystem::path(".");
  refuse_float(options);
  const ResultFolder results(folder);
  const ScratchFolder scratch(folder);
  FileTransaction files;
  std::vector<CompiledContext> contexts;
  const auto progress = context.step("compile", options.htp_archs.size());
  for (const auto& arch : options.htp_archs) {
    context.check_stop();
    provider.options["htp_arch"] = arch;
    if (!options.soc_model.empty()) provider.options["soc_model"] = options.soc_model;
    const std::string stem = options.model.stem().string() + "." + options.target + arch;
    const auto compiled = compile(options, scratch.path() / (stem + ".onnx"), provider, arch);
    CompiledContext result;
    result.arch = arch;
    result.soc = options.soc_model;
    result.ready = true;
    result.file = (folder / (stem + ".onnx")).string();
    result.bytes = std::filesystem::file_size(compiled.binary);
    result.seconds = compiled.seconds;
    result.facts = compiled.facts;
    result.facts.emplace_back("ONNX Runtime", onnxruntime_version());
    result.facts.emplace_back("quantize", version());
    result.facts.emplace_back("source", options.model.filename().string() + " " + fingerprint(read_file(options.model)));
    for (const auto& file : {compiled.wrapper, compiled.binary}) files.write(folder / file.filename(), read_file(file));
    files.write(folder / (stem + ".json"), write_json(result));
    contexts.push_back(std::move(result));
    progress->tick();
  }
  context.check_stop();
  files.publish();
  return contexts;
}

}  // namespace quantize
