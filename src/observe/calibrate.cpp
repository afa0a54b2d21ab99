#include "observe/calibrate.h"

#include <onnxruntime_cxx_api.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <future>
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
// The model's own outputs are dropped: what only leads to them need not run. The observers stand in reverse: ONNX Runtime orders a graph
// from its last leaf backwards, so that the first tensors are looked at and let go first, and not all of them are alive at the end.
onnx::ModelProto with_observers(const Model& model, std::span<const std::string> tensors) {
  onnx::ModelProto observed = model.proto;
  auto& graph = *observed.mutable_graph();
  NameMaker names(graph);
  graph.clear_output();
  for (std::size_t slot = tensors.size(); slot-- > 0;) {
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

bool same(const TensorStatistics& a, const TensorStatistics& b) {
  const auto alike = [](const ChannelStatistics& x, const ChannelStatistics& y) {
    return x.count == y.count && x.min == y.min && x.max == y.max;
  };
  return a.count == b.count && a.min == b.min && a.max == b.max && a.nonfinite == b.nonfinite &&
         a.histogram.exponent() == b.histogram.exponent() && std::ranges::equal(a.histogram.counts(), b.histogram.counts()) &&
         std::ranges::equal(a.channels, b.channels, alike);
}

// How threads are divided: so many samples at once, on so many threads each.
struct Division {
  unsigned samples, threads;
};

// The model with observers in it, loaded once for one division, and what they have gathered.
class Observation {
 public:
  Observation(const Model& model, std::span<const std::string> tensors, Division division)
      : division_(division),
        slots_(tensors.size()),
        op_(slots_),
        domain_(registered()),
        session_(with_observers(model, tensors), {.threads = division.threads, .custom_operators = &domain_}) {}

  // Samples [begin, end). One at a time, the next is decoded and resized while the last one runs; several at once do that by themselves.
  void run(const LoadSample& load, std::size_t begin, std::size_t end, const Context& context, Progress& progress) const {
    if (division_.samples > 1 || end - begin < 2) {
      Context several;
      several.threads = division_.samples;
      several.stop = context.stop;
      return parallel_for(several, end - begin, [&](std::size_t i, unsigned) {
        session_.run_discarding(load(begin + i));
        progress.tick();
      });
    }
    auto next = std::async(std::launch::async, load, begin);
    for (std::size_t i = begin; i < end; ++i) {
      context.check_stop();
      const auto inputs = next.get();
      if (i + 1 < end) next = std::async(std::launch::async, load, i + 1);
      session_.run_discarding(inputs);
      progress.tick();
    }
  }

  [[nodiscard]] TensorStatistics gathered(std::size_t slot) const { return slots_[slot].statistics; }
  [[nodiscard]] bool agrees_with(const std::vector<TensorStatistics>& others) const {
    for (std::size_t slot = 0; slot < others.size(); ++slot) {
      if (!same(slots_[slot].statistics, others[slot])) return false;
    }
    return true;
  }
  // Takes over what another one has gathered.
  void add(const Observation& other) {
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) slots_[slot].statistics.merge(other.slots_[slot].statistics);
  }
  void forget() {
    for (auto& slot : slots_) slot.statistics = {};
  }

 private:
  Ort::CustomOpDomain registered() {
    Ort::CustomOpDomain domain(domain_name);
    domain.Add(&op_);
    return domain;
  }

  Division division_;
  std::deque<Slot> slots_;
  ObserveOp op_;
  Ort::CustomOpDomain domain_;
  Session session_;
};

constexpr std::size_t compared = 2;      // samples that both divisions run
constexpr double clearly_faster = 0.9;   // of the other's time for one sample
constexpr std::size_t worth_a_try = 16;  // samples per thread from which a measurement costs less than it may gain

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Observes samples in whichever division of the threads is faster.
class Calibrator {
 public:
  Calibrator(const Model& model, std::span<const std::string> tensors, const Context& context)
      : model_(model), tensors_(tensors), context_(context) {
    const unsigned samples = context.samples_at_once();
    if (!tensors.empty())
      current_ = std::make_unique<Observation>(model, tensors, Division{samples, std::max(context.threads, 1U) / samples});
  }

  void run(const LoadSample& load, std::size_t begin, std::size_t end) {
    if (current_ == nullptr || begin == end) return;
    const auto progress = context_.step("calibrate", end - begin);
    if (begin == 0 && context_.threads > 1 && context_.workers == 0 && end >= worth_a_try * context_.threads) {
      begin = choose(load, *progress);
    }
    current_->run(load, begin, end, context_, *progress);
  }

  [[nodiscard]] Statistics gathered(std::size_t samples) const {
    Statistics statistics;
    for (std::size_t slot = 0; slot < tensors_.size(); ++slot) {
      auto seen = current_->gathered(slot);
      if (seen.nonfinite != 0) {
        throw Error(ErrorKind::numeric, "activation '" + tensors_[slot] + "' is NaN or infinite in " + std::to_string(seen.nonfinite) +
                                            " of " + std::to_string(samples) + " samples; check the pre-processing and the model");
      }
      statistics[tensors_[slot]] = std::move(seen);
    }
    return statistics;
  }

 private:
  // Several samples at once, which is what it began with, against one with all threads: timed on the first samples. The other is taken
  // where it is clearly faster and has seen exactly the same values. Returns the first sample that is still to come.
  std::size_t choose(const LoadSample& load, Progress& progress) {
    current_->run(load, 0, compared, context_, progress);
    std::vector<TensorStatistics> first;
    for (std::size_t slot = 0; slot < tensors_.size(); ++slot) first.push_back(current_->gathered(slot));
    const std::size_t at_once = context_.threads, next = compared + at_once;
    const double several = seconds_of([&] { current_->run(load, compared, next, context_, progress); }) / static_cast<double>(at_once);

    auto other = std::make_unique<Observation>(model_, tensors_, Division{1, context_.threads});
    const auto unseen = Context().step("", 0);
    other->run(load, 0, 1, context_, *unseen);  // warms up
    const double alone = seconds_of([&] { other->run(load, 1, compared, context_, *unseen); });
    const bool better = alone < clearly_faster * several && other->agrees_with(first);
    context_.debug("calibrate: " + std::to_string(several) + " s a sample with " + std::to_string(at_once) + " at once, " +
                   std::to_string(alone) + " s with all threads on one" + (better ? ": one at a time" : ""));
    if (better) {
      other->forget();
      other->add(*current_);
      current_ = std::move(other);
    }
    return next;
  }

  const Model& model_;
  std::span<const std::string> tensors_;
  const Context& context_;
  std::unique_ptr<Observation> current_;
};

}  // namespace

Statistics calibrate(const Model& model, std::span<const std::string> tensors, const LoadSample& load, std::size_t count,
                     const Context& context) {
  Calibrator calibrator(model, tensors, context);
  calibrator.run(load, 0, count);
  return calibrator.gathered(count);
}

Calibration calibrate_and_compare(const Model& model, std::span<const std::string> tensors, const LoadSample& load, std::size_t count,
                                  const Context& context) {
  const std::size_t first = count - count / 10;
  Calibrator calibrator(model, tensors, context);
  calibrator.run(load, 0, first);
  Calibration calibration;
  if (first < count) calibration.before_last_tenth = calibrator.gathered(count);
  calibrator.run(load, first, count);
  calibration.all = calibrator.gathered(count);
  return calibration;
}

}  // namespace quantize
