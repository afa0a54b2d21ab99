#include "observe/observation.h"

#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <future>
#include <mutex>

#include "base/parallel.h"
#include "model/attribute.h"
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
    if (plane > 1 || seen.channels.empty() || !see_rows(values, seen)) see_planes(values, plane, seen);
    if (seen.nonfinite == 0) {
      seen.histogram.cover(std::max(std::fabs(seen.min), std::fabs(seen.max)));
      std::vector<float> sample;
      seen.histogram.add(subsample(values, sample));
    }
    const std::lock_guard lock(mutex);
    statistics.merge(seen);
  }

  static void see_planes(std::span<const float> values, std::size_t plane, TensorStatistics& seen) {
    for (std::size_t i = 0; i * plane < values.size(); ++i) {
      const Extremes part = scan(values.subspan(i * plane, plane));
      if (!part.finite) {
        seen.nonfinite = 1;
        continue;
      }
      seen.min = std::min(seen.min, part.min);
      seen.max = std::max(seen.max, part.max);
      if (seen.channels.empty()) continue;
      auto& channel = seen.channels[i % seen.channels.size()];
      channel.count += plane;
      channel.min = std::min(channel.min, part.min);
      channel.max = std::max(channel.max, part.max);
    }
  }

  // Planes of one value, as of tokens: row by row. False, and nothing seen, where a value is not finite.
  static bool see_rows(std::span<const float> values, TensorStatistics& seen) {
    const Extremes whole = scan(values);
    if (!whole.finite) return false;
    const std::size_t width = seen.channels.size();
    std::vector<float> low(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(width)), high = low;
    for (std::size_t begin = width; begin < values.size(); begin += width) {
      for (std::size_t c = 0; c < width; ++c) {
        low[c] = std::min(low[c], values[begin + c]);
        high[c] = std::max(high[c], values[begin + c]);
      }
    }
    for (std::size_t c = 0; c < width; ++c) seen.channels[c] = {values.size() / width, low[c], high[c]};
    seen.min = whole.min;
    seen.max = whole.max;
    return true;
  }

  // The subsample: blocks at a stride that varies by a fixed pattern, so that no channel or column of a regular layout is always or never
  // taken. Copied to `sample` where it is not all values.
  static std::span<const float> subsample(std::span<const float> values, std::vector<float>& sample) {
    const std::size_t size = values.size(), stride = size / histogram_samples;
    if (stride <= 1) return values;
    sample.reserve(histogram_samples + size / stride / block + block);
    for (std::size_t group = 0; group * stride * block < size; ++group) {
      const std::size_t start = (group * stride + (group * 2654435761U >> 7) % stride) * block;
      if (start >= size) continue;
      const auto part = values.subspan(start, std::min(block, size - start));
      sample.insert(sample.end(), part.begin(), part.end());
    }
    return sample;
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
// The model's own outputs are dropped: what only leads to them need not run. The observers stand in reverse: ONNX Runtime orders a graph
// from its last leaf backwards, so that the first tensors are looked at and let go first, and not all of them are alive at the end.
onnx::ModelProto with_observers(const Model& model, std::span<const std::string> tensors) {
  onnx::ModelProto observed = model.proto;
  auto& graph = *observed.mutable_graph();
  NameMaker names(graph);
  graph.clear_output();
  for (std::size_t slot = tensors.size(); slot-- > 0;) {
    const std::string output = names.unique("observed" + std::to_string(slot));
    const std::string& input = tensors[slot];
    auto node = make_node("Observe", {&input, 1}, {&output, 1});
    node.set_domain(domain_name);
    set_attribute(node, "slot", static_cast<std::int64_t>(slot));
    *graph.add_node() = std::move(node);
    auto& value = *graph.add_output();
    value.set_name(output);
    value.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
  }
  import_domain(observed, domain_name);
  remove_unused(graph);
  return observed;
}

bool same(const TensorStatistics& a, const TensorStatistics& b) {
  const auto alike = [](const ChannelStatistics& x, const ChannelStatistics& y) {
    return x.count == y.count && x.min == y.min && x.max == y.max;
  };
  return a.count == b.count && a.min == b.min && a.max == b.max && a.nonfinite == b.nonfinite &&
         a.histogram.exponent() == b.histogram.exponent() && std::ranges::equal(a.histogram.counts(), b.histogram.counts()) &&
         std::ranges::equal(a.channels, b.channels, alike);
}

}  // namespace

struct Observation::Parts {
  Parts(const Model& model, std::span<const std::string> tensors, unsigned threads)
      : slots(tensors.size()),
        op(slots),
        domain(domain_name),
        session((domain.Add(&op), with_observers(model, tensors)), {.threads = threads, .custom_operators = &domain}) {}

  std::deque<Slot> slots;
  ObserveOp op;
  Ort::CustomOpDomain domain;
  Session session;
};

Observation::Observation(const Model& model, std::span<const std::string> tensors, Division division)
    : division_(division), parts_(std::make_unique<Parts>(model, tensors, division.threads)) {}
Observation::~Observation() = default;

void Observation::run(const LoadSample& load, std::size_t begin, std::size_t end, const Context& context, Progress& progress) const {
  const Session& session = parts_->session;
  if (division_.samples > 1 || end - begin < 2) {
    Context several;
    several.threads = division_.samples;
    several.stop = context.stop;
    return parallel_for(several, end - begin, [&](std::size_t i, unsigned) {
      session.run_discarding(load(begin + i));
      progress.tick();
    });
  }
  auto next = std::async(std::launch::async, load, begin);
  for (std::size_t i = begin; i < end; ++i) {
    context.check_stop();
    const auto inputs = next.get();
    if (i + 1 < end) next = std::async(std::launch::async, load, i + 1);
    session.run_discarding(inputs);
    progress.tick();
  }
}

const TensorStatistics& Observation::gathered(std::size_t slot) const { return parts_->slots[slot].statistics; }

bool Observation::agrees_with(const std::vector<TensorStatistics>& others) const {
  for (std::size_t slot = 0; slot < others.size(); ++slot) {
    if (!same(parts_->slots[slot].statistics, others[slot])) return false;
  }
  return true;
}

void Observation::add(const Observation& other) {
  for (std::size_t slot = 0; slot < parts_->slots.size(); ++slot) parts_->slots[slot].statistics.merge(other.gathered(slot));
}

void Observation::forget() {
  for (auto& slot : parts_->slots) slot.statistics = {};
}

}  // namespace quantize
