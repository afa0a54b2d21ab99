// The report as data: everything the program measured and decided in one run. write_json, write_html and write_text show it; none of them
// computes. Units: bytes, milliseconds, seconds, decibel; shares are 0..1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/provider_report.h"

namespace quantize {

struct ModelFacts {
  std::string path, fingerprint;
  std::uint64_t bytes = 0;
  std::int64_t opset = 0;
  int nodes = 0;
};

// An input or output of the quantized model, and what a caller has to know of it.
struct Port {
  std::string name, type, shape;  // "image", "uint8", "1x360x480x3"; -1 for a free dimension
  std::string meaning;            // "pixels 0 to 255, rgb"; empty where nothing is known
  std::optional<double> scale;    // of integers: real = scale * (integer - zero_point)
  std::optional<std::int64_t> zero_point;
};

struct DataFacts {
  std::string folder, fingerprint;
  std::size_t images = 0;
  std::vector<std::string> skipped;  // files that could not be read, with the reason
};

struct SizeOfKind {
  std::string kind;  // "int8 weights", "int32 biases", "float32 weights", "scales and zero points", "graph"
  std::uint64_t fp32_bytes = 0, quantized_bytes = 0;
  int tensors = 0;  // none where it is the graph: that is nodes and names
};

struct LatencyFacts {
  double median_ms = 0, p10_ms = 0, p90_ms = 0;
};

struct Latency {
  LatencyFacts fp32, quantized;
  double speedup = 0;  // median of the pairwise ratios, FP32 / quantized
  int runs = 0;
  unsigned threads = 0;
};

struct Memory {
  std::uint64_t fp32_peak_bytes = 0, quantized_peak_bytes = 0;  // resident, each measured in a process of its own
};

// An operator that ONNX Runtime computes in float in the quantized model.
struct FloatKernel {
  std::string node, op_type;  // of the model as it was quantized
  std::string reason;
};

// How ONNX Runtime's CPU provider computes the quantized model, counted in the graph that it makes of it.
struct Kernels {
  int integer = 0, floating = 0, conversions = 0;  // operators; conversions are the Quantize- and DequantizeLinear left over
  std::vector<FloatKernel> floats;                 // the floating ones, in execution order
};

// --placement auto: one alternative to the rules, timed against what was best until then.
struct PlacementTrial {
  std::string what;  // "PRelu quantized"
  int nodes = 0;     // whose placement it changes
  double before_ms = 0, after_ms = 0;
  bool kept = false;
};

struct ImageAccuracy {
  std::string name;
  double psnr_db = 0, sqnr_db = 0, agreement = 0;
  bool compared = true;  // false: the two first outputs are of different sizes, or empty, and there are no figures
};

struct OutputAccuracy {
  std::string name;
  double sqnr_db = 0;  // over all images
};

// What the pixels of all labels hold, whether they could be used or not.
struct LabelPixels {
  std::uint64_t all = 0;
  std::uint64_t none = 0;    // 255: void, as is usual
  std::uint64_t beyond = 0;  // neither that nor a class of the model: 19 where it has 19
};

struct Accuracy {
  double psnr_db = 0;  // mean over images of 20 log10(max|fp32| / RMSE)
  double psnr_db_worst = 0;
  std::string worst_image;
  double sqnr_db = 0;         // 10 log10(sum fp32^2 / sum error^2) over all images
  double agreement = 0;       // share of output pixels with the same class
  double flipped_margin = 0;  // share of FP32's margin (largest score less the second) that pixels which changed class had
  double miou_vs_fp32 = 0;
  std::optional<double> miou_fp32, miou_quantized;      // against labels, where one of their pixels counts
  std::optional<double> miou_one_class = std::nullopt;  // against labels of several classes: of the commonest of them all over
  std::optional<LabelPixels> labels = std::nullopt;     // where labels were given
  std::size_t left_out = 0;                             // of the images: those that were not compared
  bool only_classes =
      false;  // the outputs are the numbers of classes: PSNR and SQNR say little, the worst image is that of least agreement
  std::vector<ImageAccuracy> images;
  std::vector<OutputAccuracy> other_outputs;  // the model's further outputs of numbers; all else is said of the first

  // How many images the figures are of; `images` is empty where none is.
  [[nodiscard]] std::size_t compared() const { return images.empty() ? 0 : images.size() - left_out; }
};

struct LayerAccuracy {
  std::string node, op_type, tensor;
  double sqnr_db = 0;  // of the tensor in the quantized network against FP32, errors of earlier layers included
};

struct NodeDecision {
  std::string node, op_type;
  bool quantized = false;
  std::string weights, activations;  // "int8 per channel", "uint8"; empty where there are none
  std::string reason;                // why it stays float, or what was done: "absorbed by the encoding of 'x'"
};

struct TensorHistogram {
  std::string tensor, type;
  double sqnr_db = 0;
  double first_edge = 0, bin_width = 0;
  std::vector<std::uint64_t> counts;
  double low = 0, high = 0;  // the range the encoding covers
  double min = 0, max = 0;   // the range seen
  std::string method;
};

struct GateResult {
  std::string option, figure, unit;  // "--min-psnr", "PSNR", "dB"
  bool at_least = true;              // else at most
  double threshold = 0;
  std::optional<double> measured;  // nothing where the figure was not measured
  bool passed = false;
};

struct Step {
  std::string name, outcome;  // "fold-batch-norm", "55 folded, output moved by 3e-7"
  double seconds = 0;
  std::optional<double> sqnr_before_db = std::nullopt, sqnr_after_db = std::nullopt;  // where the step was judged: on calibration samples
};

// A figure that was to be reached, or a cost that was limited, in mixed precision.
struct GoalFact {
  std::string figure;            // "psnr", "agreement"; "size", "latency" as estimated fractions of FP32
  std::optional<double> wanted;  // absent for a cost without limit
  double before = 0, after = 0;  // with the scheme's bits, and with those chosen
};

struct RaisedBits {
  std::string kind, name, op_type;  // "weights" of a node, or "activations" by their first tensor
  std::string from, to;             // "A8", "A16", "W4", "W8", "float"
  double noise = 0;                 // energy of the output's error with only this quantized / energy of the output
  double cost = 0;                  // size and latency together, as fractions of FP32
};

struct MixedPrecision {
  bool reached = false;
  std::size_t images = 0;  // held out of calibration, which decided
  std::size_t units = 0;   // weights and activations whose bits could be chosen
  int tried = 0;           // assignments that were run
  std::vector<GoalFact> reach, cost;
  std::vector<RaisedBits> raised;  // in the order in which they were worth most
};

// PNG bytes, all of the picture's own size.
struct ComparedPicture {
  std::string name;
  int width = 0, height = 0;
  double agreement = 0, psnr_db = 0;
  std::vector<std::uint8_t> picture, fp32_overlay, quantized_overlay, difference;
};

struct Report {
  std::string version, onnx_version, onnxruntime_version, command, machine;
  std::vector<std::pair<std::string, std::string>> config;
  std::string scheme, target;
  ModelFacts fp32, quantized;
  std::vector<Port> inputs, outputs;
  DataFacts calibration, test;
  std::vector<SizeOfKind> sizes;
  std::optional<Latency> latency;
  std::optional<Memory> memory;
  Accuracy accuracy;
  std::vector<LayerAccuracy> layers;        // worst first
  std::vector<NodeDecision> decisions;      // in execution order
  std::optional<Kernels> kernels;           // where ONNX Runtime's CPU provider can load the model
  std::vector<PlacementTrial> placement;    // with --placement auto
  std::vector<TensorHistogram> histograms;  // of the worst tensors
  std::vector<Step> steps;
  std::optional<MixedPrecision> mixed;    // where a target was given
  std::vector<ComparedPicture> pictures;  // only in the HTML
  std::vector<ProviderReport> providers;  // other runtimes and devices it ran on
  std::vector<GateResult> gates;
  std::vector<std::string> warnings;
  double seconds = 0;
};

// Two models were compared: nothing is known of what was decided about the nodes of the second, or calibrated on.
inline bool was_only_evaluated(const Report& report) { return report.decisions.empty(); }

}  // namespace quantize
