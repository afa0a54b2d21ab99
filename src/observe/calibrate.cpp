#include "observe/calibrate.h"

#include <onnxruntime_cxx_api.h>

#include <deque>
#include <mutex>

#include "base/error.h"
#include "base/parallel.h"
#include "model/edit.h"
#include "observe/scan.h"
#include "run/session.h"

namespace quantize {
namespace {

constexpr const char* domain_name = "quantize.observe";
// Of a tensor with more values than this, the histogram counts about this many per run; min and max are always exact.
constexpr std::size_t histogram_samples = 1U << 16;
constexpr std::size_t block = 64;  // values next to each other that are counted together

// What is gathered for one tensor. Runs of several samples may report at once; every operation under the lock is independent of their
// order.
struct Slot {
  std::mutex mutex;
  TensorStatistics statistics;

  void observe(std::span<const float> values, const Shape& shape) {
    if (values.empty()) return;
    TensorStatistics seen;
    seen.count = values.size();
    const std::size_t channels = shape.size() >= 2 ? static_cast<std::size_t>(shape[1]) : 1;
    const std::size_t plane = values.size() / (channels * static_cast<std::size_t>(shape.size() >= 2 ? shape[0] : 1));
    if (shape.size() >= 2) seen.channels.resize(channels);
    for (std::size_t i = 0; i * plane < values.size(); ++i) {
      const Extremes part = scan(values.subspan(i * plane, plane));
      if (!part.finite) {
        seen.nonfinite = 1;
        continue;
      }
      seen.min = std::min(seen.min, part.min);
      seen.max = std::max(seen.max, part.max);
      if (seen.channels.empty()) continue;
      auto& channel = seen.channels[i % channels];
      channel.count += plane;
      channel.min = std::min(channel.min, part.min);
      channel.max = std::max(channel.max, part.max);
    }
    if (seen.nonfinite == 0) count_sample(seen.histogram, values, std::max(std::fabs(seen.min), std::fabs(seen.max)));
    const std::lock_guard lock(mutex);
    statistics.merge(seen);
  }

  // Blocks at a stride that varies by a fixed pattern, so that no channel or column of a regular layout is always or never taken.
  static void count_sample(Histogram& histogram, std::span<const float> values, float magnitude) {
    histogram.cover(magnitude);
    const std::size_t stride = values.size() / histogram_samples;
    if (stride <= 1) return histogram.add(values);
    for (std::size_t group = 0; group * stride * block < values.size(); ++group) {
      const std::size_t start = (group * stride + (group * 2654435761U >> 7) % stride) * block;
      if (start < values.size()) histogram.add(values.subspan(start, std::min(block, values.size() - start)));
    }
  }
};

struct ObserveKernel {
  Slot* slot;

  void Compute(OrtKernelContext* raw) const {
    const Ort::KernelContext context(raw);
    const auto input = context.GetInput(0);
    const auto info = input.GetTensorTypeAndShapeInfo();
    slot->observe({input.GetTensorData<float>(), info.GetElementCount()}, info.GetShape());
    const std::int64_t shape[] = {1};
    context.GetOutput(0, shape, 1).GetTensorMutableData<float>()[0] = 0.0F;
  }
};

// The custom operator: one float tensor in, one element out, so that ONNX Runtime has something to ask for. Attribute `slot` says where to
// report.
struct ObserveOp : Ort::CustomOpBase<ObserveOp, ObserveKernel> {
  std::deque<Slot>* slots;

  explicit ObserveOp(std::deque<Slot>& where) : slots(&where) {}
  void* CreateKernel(const OrtApi& /*api*/, const OrtKernelInfo* info) const {
    const auto slot = Ort::ConstKernelInfo(info).GetAttribute<std::int64_t>("slot");
    return new ObserveKernel{&(*slots)[static_cast<std::size_t>(slot)]};  // ONNX Runtime owns it and deletes it through CustomOpBase
  }
  const char* GetName() const { return "Observe"; }
  const char* GetExecutionProviderType() const { return "CPUExecutionProvider"; }
  std::size_t GetInputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetInputType(std::size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
  std::size_t GetOutputTypeCount() const { return 1; }
  ONNXTensorElementDataType GetOutputType(std::size_t) const { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; }
};

// BEFORE  ... -> Conv -> t -> ...        AFTER  ... -> Conv -> t -> ...
//                                                              t -> Observe(slot) -> graph output
// The model's own outputs are dropped: what only leads to them need not run.
onnx::ModelProto with_observers(const Model& model, std::span<const std::string> tensors) {
  onnx::ModelProto observed = model.proto;
  auto& graph = *observed.mutable_graph();
  NameMaker names(graph);
  graph.clear_output();
  for (std::size_t slot = 0; slot < tensors.size(); ++slot) {
    const std::string output = names.unique("observed" + std::to_string(slot));
    const std::string input = tensors[slot];
    auto node = make_node("Observe", {&input, 1}, {&output, 1});
    node.set_domain(domain_name);
    auto& attribute = *node.add_attribute();
    attribute.set_name("slot");
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(static_cast<std::int64_t>(slot));
    *graph.add_node() = std::move(node);
    auto& value = *graph.add_output();
    value.set_name(output);
    value.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
  }
  auto& import = *observed.add_opset_import();
  import.set_domain(domain_name);
  import.set_version(1);
  remove_unused(graph);
  return observed;
}

}  // namespace

Statistics calibrate(const Model& model, std::span<const std::string> tensors, const LoadSample& load, std::size_t count,
                     const Context& context) {
  std::deque<Slot> slots(tensors.size());
  ObserveOp op(slots);
  Ort::CustomOpDomain domain(domain_name);
  domain.Add(&op);
  if (!tensors.empty()) {
    const Session session(with_observers(model, tensors), {.threads = 1, .custom_operators = &domain});
    const auto progress = context.step("calibrate", count);
    parallel_for(context, count, [&](std::size_t index, unsigned) {
      session.run_discarding(load(index));
      progress->tick();
    });
  }
  Statistics statistics;
  for (std::size_t slot = 0; slot < tensors.size(); ++slot) {
    if (slots[slot].statistics.nonfinite != 0) {
      throw Error(ErrorKind::numeric, "activation '" + tensors[slot] + "' is NaN or infinite in " +
                                          std::to_string(slots[slot].statistics.nonfinite) + " of " + std::to_string(count) +
                                          " samples; check the pre-processing and the model");
    }
    statistics[tensors[slot]] = std::move(slots[slot].statistics);
  }
  return statistics;
}

Calibration calibrate_and_compare(const Model& model, std::span<const std::string> tensors, const LoadSample& load, std::size_t count,
                                  const Context& context) {
  const std::size_t last = count / 10, first = count - last;
  Calibration calibration;
  calibration.all = calibrate(model, tensors, load, first, context);
  if (last == 0) return calibration;
  calibration.before_last_tenth = calibration.all;
  merge(calibration.all, calibrate(
                             model, tensors, [&](std::size_t index) { return load(first + index); }, last, context));
  return calibration;
}

}  // namespace quantize
