// What was seen when the quantized model ran on the runtime or device it is for.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace quantize {

// Figures of one run against another over the same samples.
struct Closeness {
  double psnr_db = 0, sqnr_db = 0, agreement = 0, miou = 0;
};

// A node that the provider did not take.
struct FallenBack {
  std::string node, op_type;
  std::string reason;  // in the provider's own words; empty where it gave none
};

// One layer on the device and on ONNX Runtime's CPU provider, both against FP32.
struct DeviceLayer {
  std::string node, op_type, tensor;
  double device_sqnr_db = 0, cpu_sqnr_db = 0;
};

// The model compiled for one NPU generation.
struct CompiledContext {
  std::string arch, soc;    // "75"; the SoC's number, empty where none was given
  bool ready = false;       // compiled, and loaded again
  std::string file;         // the wrapper ONNX, empty where nothing was kept
  std::uint64_t bytes = 0;  // of the context binary
  double seconds = 0;
  std::optional<double> sqnr_db;                           // of one image there against FP32
  std::string reason;                                      // why it is not ready
  std::vector<std::pair<std::string, std::string>> facts;  // what the provider says about it: spill and fill bytes, memory, versions
};

struct ProviderReport {
  std::string name;        // as asked for: "qnn"
  bool simulated = false;  // the results are the device's, the times a simulator's
  std::size_t nodes = 0;   // that it runs
  std::vector<FallenBack> fallen_back;
  std::vector<std::pair<std::string, std::size_t>> kernels;  // kernel -> nodes computed by it, where the runtime tells
  std::size_t images = 0;
  Closeness against_fp32, against_cpu, cpu_against_fp32;  // the device's output, and the CPU's run of the same file, on the same images
  std::optional<double> miou_labels, cpu_miou_labels;     // mIoU on labels, where there are any
  std::vector<DeviceLayer> layers;                        // worst on the device first
  double milliseconds = 0;                                // median of its runs
  std::optional<double> fp32_milliseconds;                // FP32 on the same runtime; not measured on simulators
  std::vector<CompiledContext> contexts;
  std::vector<std::string> remarks;  // what explains a difference or keeps it from being better
};

}  // namespace quantize
