#include "evaluate/on_provider.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "base/stopwatch.h"
#include "dataset/image.h"
#include "evaluate/comparison.h"
#include "evaluate/evaluate.h"
#include "evaluate/mask.h"
#include "run/session.h"
#include "run/taps.h"

namespace quantize {
namespace {

constexpr std::size_t images_on_a_simulator = 2;

// Providers name nodes; those without a name get that of their first output.
onnx::ModelProto with_names(onnx::ModelProto model) {
  for (auto& node : *model.mutable_graph()->mutable_node()) {
    if (node.name().empty() && node.output_size() > 0) node.set_name(node.output(0));
  }
  return model;
}

// The CPU as simulation of a device: Quantize/DequantizeLinear exactly as they are defined. ONNX Runtime's integer kernels for processors
// without VNNI saturate sums of two products at 16 bits and would stand for no other device.
SessionOptions simulated_on_cpu(unsigned threads) { return {.threads = threads, .fuse_quantized = false}; }

bool is_conversion(const std::string& op_type) { return op_type == "QuantizeLinear" || op_type == "DequantizeLinear"; }

// Q and DQ around a node that fell back fall back with it and say nothing new, unless nothing else did.
void note_assignments(ProviderReport& report, const std::vector<NodeAssignment>& assignments, const Provider& provider) {
  std::vector<FallenBack> conversions;
  for (const auto& node : assignments) {
    if (provider.is_cpu() || provider.is_openvino() || node.provider != "CPUExecutionProvider") {
      ++report.nodes;
    } else {
      (is_conversion(node.op_type) ? conversions : report.fallen_back).push_back({node.node, node.op_type, node.reason});
    }
    if (!provider.is_openvino()) continue;
    const auto found = std::ranges::find(report.kernels, node.provider, &std::pair<std::string, std::size_t>::first);
    if (found == report.kernels.end()) {
      report.kernels.emplace_back(node.provider, 1);
    } else {
      ++found->second;
    }
  }
  if (report.fallen_back.empty()) report.fallen_back = std::move(conversions);
  std::ranges::sort(report.kernels, std::greater<>(), &std::pair<std::string, std::size_t>::second);
}

Closeness closeness(const Comparisons& comparisons, const std::vector<std::string>& names) {
  const Accuracy all = comparisons.summarize(names);
  return {all.psnr_db, all.sqnr_db, all.agreement, all.miou_vs_fp32};
}

void compare_runs(ProviderReport& report, const Session& device, const Session& fp32, const Session& cpu, const SampleSource& samples,
                  ClassAxis axis, const ProviderRunOptions& options, const Context& context) {
  const FreeSizes sizes(fp32, device);
  Comparisons device_fp32(samples.size()), device_cpu(samples.size()), cpu_fp32(samples.size());
  std::vector<std::string> names;
  std::vector<double> times;
  LabelScore device_labels(options.labels.classes, axis), cpu_labels(options.labels.classes, axis);
  const auto progress = context.step("evaluate on " + report.name, samples.size());
  for (std::size_t i = 0; i < samples.size(); ++i) {
    context.check_stop();
    const Sample sample = samples.load(i);
    const Stopwatch clock;
    const Tensor on_device = device.run(sample.inputs)[0];
    times.push_back(clock.milliseconds());
    const Tensor truth = fp32.run(sample.inputs)[0], on_cpu = cpu.run(sample.inputs)[0];
    names.push_back(sample.stem);
    if (sizes.cannot_compare(truth, on_device) || sizes.cannot_compare(truth, on_cpu)) {
      for (auto* comparisons : {&device_fp32, &device_cpu, &cpu_fp32}) comparisons->leave_out(i);
    } else {
      device_fp32.add(i, truth, on_device, axis);
      cpu_fp32.add(i, truth, on_cpu, axis);
      device_cpu.add(i, on_cpu, on_device, axis);
      if (!options.labels.folder.empty()) {
        const Image label = read_label(label_path(options.labels.folder, sample.stem));
        const Frame frame = frame_of(samples, i, sample);
        device_labels.add(label, on_device, frame);
        cpu_labels.add(label, on_cpu, frame);
      }
    }
    progress->tick();
  }
  report.images = samples.size();
  report.against_fp32 = closeness(device_fp32, names);
  report.against_cpu = closeness(device_cpu, names);
  report.cpu_against_fp32 = closeness(cpu_fp32, names);
  report.miou_labels = device_labels.mean_iou();
  report.cpu_miou_labels = cpu_labels.mean_iou();
  report.milliseconds = median(times);
}

// FP32 and the quantized model in turn on the provider itself, so that a noisy machine hits both.
void measure_times(ProviderReport& report, const onnx::ModelProto& fp32, const Session& device, const Sample& sample,
                   const SessionOptions& session_options, int runs) {
  const Session plain(fp32, session_options);
  std::vector<double> times, plain_times;
  for (int run = -2; run < runs; ++run) {
    const Stopwatch first;
    device.run_discarding(sample.inputs);
    const double time = first.milliseconds();
    const Stopwatch second;
    plain.run_discarding(sample.inputs);
    if (run < 0) continue;
    times.push_back(time);
    plain_times.push_back(second.milliseconds());
  }
  report.milliseconds = median(times);
  report.fp32_milliseconds = median(plain_times);
}

std::map<std::string, std::vector<float>> values_of(const Session& session, const Sample& sample) {
  std::map<std::string, std::vector<float>> values;
  const auto outputs = session.run(sample.inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i].type == onnx::TensorProto::FLOAT) values[session.outputs()[i].name] = float_values(outputs[i]);
  }
  return values;
}

std::vector<DeviceLayer> compare_device_layers(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized,
                                               std::span<const TensorPair> pairs, const Sample& sample, const SessionOptions& on_device) {
  std::vector<std::string> names_fp32, names_quantized;
  for (const auto& pair : pairs) {
    names_fp32.push_back(pair.fp32);
    names_quantized.push_back(pair.quantized);
  }
  const auto tapped = with_outputs(quantized, names_quantized);
  const auto truth = values_of(Session(with_outputs(fp32, names_fp32)), sample),
             cpu = values_of(Session(tapped, simulated_on_cpu(on_device.threads)), sample),
             device = values_of(Session(tapped, on_device), sample);
  std::vector<DeviceLayer> layers;
  for (const auto& pair : pairs) {
    const auto a = truth.find(pair.fp32), b = cpu.find(pair.quantized), c = device.find(pair.quantized);
    if (a == truth.end() || b == cpu.end() || c == device.end()) continue;
    layers.push_back(
        {pair.node, pair.op_type, pair.fp32, Energy::of(a->second, c->second).sqnr_db(), Energy::of(a->second, b->second).sqnr_db()});
  }
  std::ranges::stable_sort(layers, is_worse_db, &DeviceLayer::device_sqnr_db);
  return layers;
}

std::string list_of(const std::vector<FallenBack>& nodes) {
  std::string text;
  for (std::size_t i = 0; i < nodes.size() && i < 5; ++i) {
    text += (i == 0 ? "" : "; ") + nodes[i].op_type + " '" + nodes[i].node + "'" +
            (nodes[i].reason.empty() ? "" : " (" + nodes[i].reason + ")");
  }
  return nodes.size() > 5 ? text + "; and " + std::to_string(nodes.size() - 5) + " more" : text;
}

}  // namespace

ProviderReport compare_on_provider(const onnx::ModelProto& fp32, const onnx::ModelProto& quantized, std::span<const TensorPair> pairs,
                                   const onnx::ModelProto& fp32_layers, const SampleSource& samples, ClassAxis axis,
                                   const Provider& provider, const ProviderRunOptions& options, Context& context) {
  ProviderReport report;
  report.name = provider.name;
  report.simulated = provider.simulated;
  const onnx::ModelProto named = with_names(quantized);
  const SessionOptions session_options{.threads = context.threads, .provider = &provider};
  const SessionOptions simulation = simulated_on_cpu(context.threads);
  const Session device(named, session_options), plain(fp32, {.threads = context.threads}), cpu(quantized, simulation);
  const std::size_t count = options.images != 0 ? options.images : provider.simulated ? images_on_a_simulator : samples.size();
  const SampleSource chosen = samples.evenly(count);
  if (!provider.is_openvino()) note_assignments(report, device.assignments(), provider);
  if (!options.allow_fallback && !report.fallen_back.empty()) {
    throw Error(ErrorKind::verification, std::to_string(report.fallen_back.size()) + " nodes do not run on " + provider.name +
                                             " (--strict-provider): " + list_of(report.fallen_back));
  }
  compare_runs(report, device, plain, cpu, chosen, axis, options, context);
  if (provider.is_openvino()) note_assignments(report, device.assignments(), provider);
  if (options.latency_runs > 0 && !provider.simulated) {
    measure_times(report, fp32, device, chosen.load(0), session_options, options.latency_runs);
  }
  if (options.layers > 0 && !pairs.empty()) {
    try {
      report.layers = compare_device_layers(fp32_layers, named, pairs, chosen.load(0), session_options);
      if (report.layers.size() > options.layers) report.layers.resize(options.layers);
    } catch (const Error& error) {
      context.warn("layers could not be looked at on " + provider.name + ": " + error.what());
    }
  }
  return report;
}

}  // namespace quantize
