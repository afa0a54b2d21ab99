#include "pipeline/describe.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <thread>

#include "mixed/file_bytes.h"
#include "model/graph.h"
#include "model/metadata.h"
#include "pipeline/version.h"
#include "report/words.h"
#include "rewrite/output_type.h"
#include "rewrite/rewrite.h"
#include "run/session.h"

namespace quantize {
namespace {

std::string machine() {
  std::ifstream cpu("/proc/cpuinfo");
  std::string line, name = "unknown processor";
  while (std::getline(cpu, line)) {
    if (!line.starts_with("model name")) continue;
    name = line.substr(line.find(':') + 2);
    break;
  }
  return name + ", " + std::to_string(std::thread::hardware_concurrency()) + " cores";
}

std::string describe_weight(const Encoding& encoding) {
  const auto narrow = std::count_if(encoding.largest.begin(), encoding.largest.end(),
                                    [&](std::int32_t largest) { return largest < integer_range(encoding.type, true).high; });
  return type_name(encoding.type) +
         (encoding.block > 0          ? " in blocks of " + std::to_string(encoding.block)
          : encoding.scale.size() > 1 ? " per channel"
                                      : " per tensor") +
         (encoding.has_zero_points() ? " with zero points" : "") +
         (narrow > 0 ? ", 7 bits in " + std::to_string(narrow) + " of " + std::to_string(encoding.largest.size()) : "");
}

// The size of the file does not depend on the encodings' values: ranges made up, each another so that no two share a scale, foretell it.
std::uint64_t size_afterwards(const Plan& plan, const Target& target, Scheme scheme) {
  Statistics made_up;
  std::set<std::string> positive;  // behind a Relu or Clip, which the encoding absorbs
  for (const auto& group : plan.placement.groups) {
    if (group.range && group.range->first >= 0) positive.insert(group.sources.begin(), group.sources.end());
  }
  for (const auto& tensor : plan.placement.observed()) {
    auto& statistics = made_up[tensor];
    const float magnitude = 1.0F + 0.001F * static_cast<float>(made_up.size());
    const float values[] = {positive.contains(tensor) ? 0 : -magnitude, magnitude};
    statistics.count = 2;
    statistics.min = values[0];
    statistics.max = values[1];
    statistics.histogram.cover(magnitude);
    statistics.histogram.add(values);
  }
  scheme.method = RangeMethod::minmax;
  Context silent;
  return file_bytes({plan.model, plan.placement, encode(plan.model, plan.placement, made_up, scheme, silent)}, target);
}

std::string list_text(const std::vector<float>& values) {
  std::ostringstream text;
  for (std::size_t i = 0; i < values.size(); ++i) text << (i == 0 ? "" : ",") << values[i];
  return text.str();
}

// What a caller has to feed: pictures resized as for calibration, then these numbers.
std::string input_meaning(const Options& options, const onnx::ValueInfoProto& input, const SampleSource& samples) {
  const bool from_tensors = samples.size() > 0 && !samples.holds_pictures();
  if (from_tensors && options.input_type == InputType::floats) return samples.is_random() ? "" : "values as in the .npy files";
  const int rank = input.type().tensor_type().shape().dim_size();
  if (rank != 3 && rank != 4) return "";
  std::string pixels = "pixels 0 to 255, " + to_string(options.preprocess.color);
  if (input.type().tensor_type().elem_type() == onnx::TensorProto::UINT8) return pixels;
  std::ostringstream text;
  text << "(pixel * " << options.preprocess.scale << " - " << list_text(options.preprocess.mean) << ") / "
       << list_text(options.preprocess.std) << ", " << pixels;
  return text.str();
}

std::vector<Port> ports(const onnx::ModelProto& model, bool outputs, const Options& options, const SampleSource& samples) {
  std::vector<const onnx::ValueInfoProto*> values = fed_inputs(model.graph());
  if (outputs) {
    values.clear();
    for (const auto& output : model.graph().output()) values.push_back(&output);
  }
  std::vector<Port> all;
  for (const auto* value : values) {
    const auto& type = value->type().tensor_type();
    Port port{value->name(), type_name(static_cast<ElementType>(type.elem_type())), to_string(shape_of(type.shape())), "", {}, {}};
    if (!outputs && value == values[0]) port.meaning = input_meaning(options, *value, samples);
    if (const auto scale = metadata(model, "quantize.scale." + value->name()); outputs && scale) {
      port.scale = std::stof(*scale);
      port.zero_point = std::stoll(metadata(model, "quantize.zero_point." + value->name()).value());
      port.meaning = "integer logits";
    } else if (outputs && value == values[0] && gives_classes(model)) {
      port.meaning = "class of each pixel";
    }
    all.push_back(std::move(port));
  }
  return all;
}

// The node whose result `node` passes on: where an encoding absorbs a Relu or Clip, that of the operator in front of it, which is what
// could be given more bits or left float.
int number_of_layer(int node, const Plan& plan, const GraphIndex& index) {
  while (plan.placement.decisions[static_cast<std::size_t>(node)].role == Role::clamp) {
    const std::string& input = index.node(node).input(0);
    const int producer = index.producer_number(input);
    if (producer < 0 || plan.encodings.activations.contains(input)) break;
    if (!plan.placement.decisions[static_cast<std::size_t>(producer)].quantized) break;
    node = producer;
  }
  return node;
}

std::string config_name(Granularity granularity) { return granularity == Granularity::per_channel ? "per-channel" : "per-tensor"; }

}  // namespace

std::vector<NodeDecision> node_decisions(const Plan& plan) {
  std::map<int, const WeightedOp*> weighted;
  for (const auto& item : plan.placement.weighted) weighted[item.node] = &item.op;
  std::vector<NodeDecision> decisions;
  for (int i = 0; i < plan.model.graph().node_size(); ++i) {
    const auto& node = plan.model.graph().node(i);
    const auto& decision = plan.placement.decisions[static_cast<std::size_t>(i)];
    NodeDecision row{decision.node, decision.op_type, decision.quantized, "", "", decision.reason};
    if (const auto found = weighted.find(i); found != weighted.end() && plan.encodings.weights.contains(found->second->weight)) {
      row.weights = describe_weight(plan.encodings.weights.at(found->second->weight));
    }
    if (decision.quantized && node.output_size() > 0) {
      const auto encoding = plan.encodings.activations.find(node.output(0));
      if (encoding != plan.encodings.activations.end()) row.activations = type_name(encoding->second.type);
      if (decision.role == Role::clamp && row.activations.empty()) row.reason = "kept as it is";
    }
    decisions.push_back(std::move(row));
  }
  return decisions;
}

Report describe_models(const Options& options, const Model& fp32, const Model& quantized, const SampleSource& samples) {
  Report report;
  report.version = version();
  report.onnx_version = onnx_version();
  report.onnxruntime_version = onnxruntime_version();
  report.command = options.command;
  report.machine = machine();
  report.config = options.config;
  report.target = options.target;
  const auto facts = [](const Model& model) {
    return ModelFacts{model.path.string(), model.fingerprint, model.bytes, opset_of(model.proto), model.graph().node_size()};
  };
  report.fp32 = facts(fp32);
  report.quantized = facts(quantized);
  report.inputs = ports(quantized.proto, false, options, samples);
  report.outputs = ports(quantized.proto, true, options, samples);
  report.sizes = sizes_by_kind(fp32.proto, quantized.proto);
  return report;
}

Report describe_run(const Options& options, const Model& original, const Model& quantized, const std::filesystem::path& file,
                    const Plan& plan, const SampleSource& samples) {
  Report report = describe_models(options, original, quantized, samples);
  report.scheme = options.scheme.name;
  const Model reread = load_model(file, quantized.limits);
  report.quantized = {options.output.string(), reread.fingerprint, reread.bytes, opset_of(reread.proto), reread.graph().node_size()};
  report.decisions = node_decisions(plan);
  return report;
}

std::string describe_plan(const Model& original, const Plan& plan, const Target& target, const Scheme& scheme) {
  std::ostringstream text;
  std::map<std::string, int> left_float;
  int quantized = 0;
  for (const auto& decision : plan.placement.decisions) {
    quantized += decision.quantized;
    if (!decision.quantized) ++left_float[decision.op_type + ": " + decision.reason];
    text << (decision.quantized ? "  quantized  " : "  float      ") << decision.op_type << "  " << decision.node
         << (decision.reason.empty() ? "" : "  (" + decision.reason + ")") << '\n';
  }
  const std::uint64_t result = size_afterwards(plan, target, scheme);
  text << plan.placement.weighted.size() << " operators with weights and " << quantized << " of " << plan.placement.decisions.size()
       << " nodes quantized as " << scheme.name << " (" << config_name(scheme.weights) << " weights), " << plan.placement.groups.size()
       << " activation encodings\n";
  for (const auto& [what, count] : left_float) text << "  float: " << count << " x " << what << '\n';
  text << "size: " << original.bytes << " bytes now, about " << result << " bytes afterwards ("
       << words::compare_size(original.bytes, result) << ")\nnothing was written (--dry-run)\n";
  return text.str();
}

std::vector<TensorPair> tensor_pairs(const Plan& plan, const Model& quantized) {
  std::vector<TensorPair> pairs;
  const GraphIndex index(plan.model.graph()), rewritten(quantized.graph());
  for (int i = 0; i < plan.model.graph().node_size(); ++i) {
    const auto& node = plan.model.graph().node(i);
    const auto& decision = plan.placement.decisions[static_cast<std::size_t>(i)];
    if (!decision.quantized || decision.role == Role::moving || decision.role == Role::floating || node.output_size() == 0 ||
        !plan.encodings.activations.contains(node.output(0)))
      continue;
    const auto& layer = plan.placement.decisions[static_cast<std::size_t>(number_of_layer(i, plan, index))];
    pairs.push_back({layer.node, layer.op_type, node.output(0),
                     index.is_graph_output(node.output(0)) ? node.output(0) : dequantized_name(rewritten, node.output(0))});
  }
  return pairs;
}

std::vector<TensorHistogram> worst_histograms(std::span<const LayerAccuracy> layers, const Plan& plan, const Statistics& statistics,
                                              std::size_t count) {
  std::vector<TensorHistogram> histograms;
  for (const auto& layer : layers) {
    const auto seen = statistics.find(layer.tensor);
    const auto encoding = plan.encodings.activations.find(layer.tensor);
    if (histograms.size() == count) break;
    if (seen == statistics.end() || encoding == plan.encodings.activations.end()) continue;
    const auto& histogram = seen->second.histogram;
    // The chart needs the filled part only, on at most 256 bars.
    int first = 0, last = Histogram::bins;
    while (first < last - 1 && histogram.counts()[first] == 0) ++first;
    while (last > first + 1 && histogram.counts()[last - 1] == 0) --last;
    const int group = (last - first + 255) / 256;
    TensorHistogram row{layer.tensor,
                        type_name(encoding->second.type),
                        layer.sqnr_db,
                        histogram.left_edge(first),
                        histogram.bin_width() * group,
                        {},
                        encoding->second.low(),
                        encoding->second.high(),
                        seen->second.min,
                        seen->second.max,
                        encoding->second.method};
    for (int bin = first; bin < last; bin += group) {
      std::uint64_t sum = 0;
      for (int k = bin; k < std::min(bin + group, last); ++k) sum += histogram.counts()[k];
      row.counts.push_back(sum);
    }
    histograms.push_back(std::move(row));
  }
  return histograms;
}

std::vector<std::size_t> pictures_to_show(const Accuracy& accuracy, int count) {
  std::vector<std::size_t> compared, numbers;
  for (std::size_t i = 0; i < accuracy.images.size(); ++i) {
    if (accuracy.images[i].compared) compared.push_back(i);
  }
  const std::size_t wanted = std::min(static_cast<std::size_t>(std::max(count, 0)), compared.size());
  for (const std::size_t number : compared) {
    if (numbers.empty() && wanted > 0 && accuracy.images[number].name == accuracy.worst_image) numbers.push_back(number);
  }
  for (std::size_t i = 0; i < compared.size() && numbers.size() < wanted; ++i) {
    const std::size_t number = compared[i * compared.size() / wanted % compared.size()];
    if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) numbers.push_back(number);
  }
  return numbers;
}

std::optional<Memory> measure_memory(const std::vector<std::string>& command, const std::filesystem::path& fp32,
                                     std::span<const Tensor> fp32_inputs, const std::filesystem::path& quantized,
                                     std::span<const Tensor> quantized_inputs) {
  const auto peak = [&](const std::filesystem::path& model, std::span<const Tensor> inputs) {
    auto words = command;
    words.push_back(model.string());
    for (const auto& input : inputs) words.push_back(to_string(input.shape));
    return peak_memory_of(words);
  };
  const auto a = peak(fp32, fp32_inputs), b = peak(quantized, quantized_inputs);
  if (!a || !b) return std::nullopt;
  return Memory{*a, *b};
}

}  // namespace quantize
