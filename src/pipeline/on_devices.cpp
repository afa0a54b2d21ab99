#include "pipeline/on_devices.h"

#include <cmath>
#include <map>

#include "base/error.h"
#include "base/scratch_folder.h"
#include "evaluate/on_provider.h"
#include "report/words.h"
#include "rewrite/output_type.h"
#include "run/compile_context.h"
#include "run/session.h"

namespace quantize {
namespace {

constexpr const char* npu_generations[] = {"73", "75", "79", "81"};  // Snapdragon 8 Gen 2, Gen 3, Elite and its successor

// An output as the FP32 model's: dequantized where it is the integers behind it; nothing where it holds classes.
std::optional<std::vector<float>> as_floats(const Tensor& output, const std::optional<IntegerOutput>& given) {
  if (!is_float(output.type) && !given) return std::nullopt;
  std::vector<float> values = float_values(output);
  if (given) {
    for (auto& value : values) value = given->scale * (value - static_cast<float>(given->zero_point));
  }
  return values;
}

// Whether the model compiles for one NPU generation, and how good it is there: on one image, because the NPU is simulated. `given`: the
// integers that it gives in place of the FP32 model's floats, if it does.
CompiledContext try_generation(const std::string& arch, Provider provider, const DeviceSubjects& subjects,
                               const std::optional<IntegerOutput>& given, const Sample& sample) {
  const ScratchFolder scratch(subjects.file.has_parent_path() ? subjects.file.parent_path() : ".");
  CompiledContext result;
  result.arch = arch;
  provider.options["htp_arch"] = arch;
  if (const auto soc = provider.options.find("soc_model"); soc != provider.options.end()) result.soc = soc->second;
  try {
    const auto compiled = compile_context(subjects.file, scratch.path() / "context.onnx", provider);
    result.bytes = std::filesystem::file_size(compiled.binary);
    result.seconds = compiled.seconds;
    result.facts = compiled.facts;
    const auto truth = Session(subjects.fp32).run(sample.inputs)[0];
    const auto there = Session(compiled.wrapper, {.provider = &provider, .allow_fallback = false}).run(sample.inputs)[0];
    result.ready = true;
    if (const auto values = as_floats(there, given)) result.sqnr_db = Energy::of(float_values(truth), *values).sqnr_db();
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::interrupted) throw;
    result.reason = error.what();
  }
  return result;
}

// The operator types whose outputs are further from FP32 on the device than simulated, worst first: where its arithmetic differs.
std::vector<std::string> explain(const ProviderReport& report) {
  std::vector<std::string> remarks;
  for (const auto& layer : report.layers) {
    const double lost = layer.cpu_sqnr_db - layer.device_sqnr_db;
    if (lost < 1 || remarks.size() == 3) continue;
    remarks.push_back(layer.op_type + " '" + layer.node + "' loses " + words::decibels(lost) +
                      " there against its simulation on the CPU (" + words::decibels(layer.device_sqnr_db) +
                      ", errors of earlier layers included)");
  }
  if (report.simulated && report.cpu_against_fp32.sqnr_db - report.against_fp32.sqnr_db > 0.5) {
    remarks.push_back("the NPU rounds otherwise than the simulation on the CPU, which costs " +
                      words::decibels(report.cpu_against_fp32.sqnr_db - report.against_fp32.sqnr_db) +
                      "; 16-bit activations round 256 times finer");
  }
  return remarks;
}

}  // namespace

std::vector<ProviderReport> evaluate_on_devices(const DeviceSubjects& subjects, const SampleSource& samples, ClassAxis axis,
                                                const Options& options, Context& context) {
  std::vector<ProviderReport> reports;
  for (const auto& text : options.providers) {
    const Provider provider = parse_provider(text);
    const ProviderRunOptions run{.allow_fallback = !options.strict_provider,
                                 .images = options.provider_images,
                                 .labels = {options.labels, subjects.classes},
                                 .latency_runs = options.latency_runs};
    auto report =
        compare_on_provider(subjects.fp32, subjects.quantized, subjects.pairs, subjects.fp32_layers, samples, axis, provider, run, context);
    if (provider.name == "qnn" && report.fallen_back.empty()) {
      const auto progress = context.step("compile", std::size(npu_generations));
      const auto given = integer_output(load_model(subjects.file).proto);
      for (const auto* arch : npu_generations) {
        context.check_stop();
        report.contexts.push_back(try_generation(arch, provider, subjects, given, samples.load(0)));
        progress->tick();
      }
    }
    report.remarks = explain(report);
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace quantize
