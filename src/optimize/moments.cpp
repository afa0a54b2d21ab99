#include "optimize/moments.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "base/parallel.h"

namespace quantize {
namespace {

constexpr std::size_t check_every = 8, least_divided = 4;
constexpr std::size_t check_every_position = 7;  // odd: no column of the layout is left out
constexpr std::size_t tile = 256;
constexpr std::size_t batch_bytes = std::size_t{96} << 20;  // of gathered columns, for each of the two networks, at most

bool is_check(std::size_t sample, std::size_t samples) {
  const std::size_t every = std::min(samples, check_every);
  return sample % every == every - 1;
}

// Where there are too few samples to hold any out, the positions of each are divided.
std::vector<std::size_t> divided(const std::vector<std::size_t>& positions, bool checking) {
  std::vector<std::size_t> part;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if ((i % check_every_position == check_every_position - 1) == checking) part.push_back(positions[i]);
  }
  return part;
}

// `wanted` different numbers below `total`, ascending (Floyd's algorithm).
std::vector<std::size_t> draw(std::size_t wanted, std::size_t total, std::uint64_t seed) {
  std::vector<std::size_t> numbers;
  if (wanted >= total) {
    numbers.resize(total);
    std::iota(numbers.begin(), numbers.end(), std::size_t{0});
    return numbers;
  }
  std::mt19937_64 random(seed);
  std::vector<bool> taken(total);
  for (std::size_t j = total - wanted; j < total; ++j) {
    const std::size_t pick = random() % (j + 1);
    taken[taken[pick] ? j : pick] = true;
  }
  for (std::size_t i = 0; i < total; ++i) {
    if (taken[i]) numbers.push_back(i);
  }
  return numbers;
}

// `count` columns of both networks, of `stride` values each. `roots`: per column, the root of what it counts for, by which its values are
// multiplied already; empty where all count 1.
struct Batch {
  std::size_t count = 0, stride = 0;
  std::vector<float> fp, q, roots;

  [[nodiscard]] double root(std::size_t column) const { return roots.empty() ? 1.0 : static_cast<double>(roots[column]); }
  [[nodiscard]] double counted() const {
    double sum = 0;
    for (std::size_t n = 0; n < count; ++n) sum += root(n) * root(n);
    return sum;
  }

  void divide_by(float unit) {
    for (auto* values : {&fp, &q}) {
      for (auto& value : *values) value /= unit;
    }
  }

  void apply_roots() {
    for (auto* values : {&fp, &q}) {
      for (std::size_t i = 0; i < values->size(); ++i) (*values)[i] *= roots[i / stride];
    }
  }
};

// Sums over columns that arrive in batches.
class Accumulator {
 public:
  Accumulator(const std::vector<ColumnBlock>& blocks, std::size_t column) : blocks_(blocks), column_(column) {
    for (const auto& block : blocks) {
      const std::size_t k = block.length;
      moments_.push_back({Matrix(k, k), Matrix(k, k), std::vector<double>(k), std::vector<double>(k)});
      for (std::size_t row = 0; row < k; row += tile) {
        for (const bool mixed : {false, true}) tasks_.push_back({moments_.size() - 1, row, mixed});
      }
    }
  }

  void add(const Batch& batch, const Context& context) {
    parallel_for(context, tasks_.size(), [&](std::size_t task, unsigned) {
      const auto [number, row, mixed] = tasks_[task];
      const auto& block = blocks_[number];
      const std::size_t rows = std::min(tile, block.length - row), begin = block.group * column_ + block.offset;
      const float *base_q = batch.q.data() + begin, *base = mixed ? batch.fp.data() + begin : base_q;
      auto& moments = moments_[number];
      for (std::size_t col = mixed ? 0 : row; col < block.length; col += tile) {
        linalg().add_gram({base, base_q, batch.count, batch.stride, row, rows, col, std::min(tile, block.length - col)},
                          mixed ? moments.hx : moments.h);
      }
      auto& mean = mixed ? moments.mean_fp : moments.mean_q;
      for (std::size_t n = 0; n < batch.count; ++n) {
        const double root = batch.root(n);
        for (std::size_t k = row; k < row + rows; ++k) mean[k] += root * static_cast<double>(base[n * batch.stride + k]);
      }
    });
    counted_ += batch.counted();
  }

  // `unit`: what the columns' values are in.
  std::vector<GroupMoments> finish(bool centered, double unit, const Context& context) {
    const double scale = counted_ > 0 ? 1.0 / counted_ : 0;
    parallel_for(context, moments_.size(), [&](std::size_t number, unsigned) {
      auto& block = moments_[number];
      for (auto* mean : {&block.mean_fp, &block.mean_q}) {
        for (auto& value : *mean) value = centered ? value * scale : 0;
      }
      for (std::size_t r = 0; r < block.h.rows; ++r) {
        for (std::size_t c = 0; c < block.h.cols; ++c) {
          block.hx(r, c) = (block.hx(r, c) * scale - block.mean_fp[r] * block.mean_q[c]) * unit * unit;
          if (c >= r) block.h(r, c) = block.h(c, r) = (block.h(r, c) * scale - block.mean_q[r] * block.mean_q[c]) * unit * unit;
        }
      }
      for (auto* mean : {&block.mean_fp, &block.mean_q}) {
        for (auto& value : *mean) value *= unit;
      }
    });
    return std::move(moments_);
  }

 private:
  struct Task {
    std::size_t block, row;
    bool mixed;  // of both networks' columns; else of the quantized one's alone
  };
  const std::vector<ColumnBlock>& blocks_;
  std::size_t column_;  // length of a whole column
  double counted_ = 0;
  std::vector<GroupMoments> moments_;
  std::vector<Task> tasks_;
};

// One block's part of gathered columns, less the means of `center`.
GroupColumns columns_of(const ColumnBlock& block, std::size_t column, const Batch& batch, double unit, const GroupMoments& center) {
  GroupColumns result{batch.count, {}, {}};
  const std::size_t begin = block.group * column + block.offset;
  const auto copy = [&](const std::vector<float>& from, const std::vector<double>& mean, std::vector<float>& to) {
    to.resize(batch.count * block.length);
    for (std::size_t n = 0; n < batch.count; ++n) {
      for (std::size_t k = 0; k < block.length; ++k) {
        const double value = unit * from[n * batch.stride + begin + k];
        to[n * block.length + k] = static_cast<float>(value - batch.root(n) * mean[k]);
      }
    }
  };
  copy(batch.fp, center.mean_fp, result.fp);
  copy(batch.q, center.mean_q, result.q);
  return result;
}

// A power of two to divide the layer's inputs by: 1, but where products of them would be too large or too small for floats, in which they
// are added up.
float unit_of(const MomentSource& source, const Context& context) {
  constexpr float most = 0x1p40F, least = 0x1p-40F;
  std::vector<float> largest(source.fp32.samples());
  parallel_for(context, largest.size(), [&](std::size_t sample, unsigned) {
    for (const float value : source.fp32.value(sample, source.fp32_tensor).as<float>()) {
      largest[sample] = std::max(largest[sample], std::fabs(value));
    }
  });
  const float all = *std::ranges::max_element(largest);
  if (!std::isfinite(all) || all == 0 || (all <= most && all >= least)) return 1;
  return std::ldexp(1.0F, std::clamp(std::ilogb(all), -100, 100));
}

// Positions of one sample.
struct Piece {
  std::size_t sample;
  std::vector<std::size_t> positions;
  std::size_t offset;  // where its columns go in the batch
};

// The pieces of the samples, or positions, that are (not) for checking, cut into batches of at most `batch` columns; the cut does not
// depend on the number of threads.
std::vector<std::vector<Piece>> batches_of(const ColumnView& view, const MomentSource& source, bool checking, std::size_t per_sample,
                                           std::size_t batch, std::uint64_t seed) {
  std::vector<std::vector<Piece>> batches;
  std::size_t filled = batch;
  const std::size_t samples = source.fp32.samples();
  for (std::size_t sample = 0; sample < samples; ++sample) {
    const bool whole = samples >= least_divided;
    if (whole && is_check(sample, samples) != checking) continue;
    auto positions = draw(per_sample, view.positions(source.fp32.value(sample, source.fp32_tensor).shape), seed + sample);
    if (!whole) positions = divided(positions, checking);
    for (auto from = positions.begin(); from != positions.end();) {
      if (filled == batch) {
        batches.emplace_back();
        filled = 0;
      }
      const auto part = std::min<std::ptrdiff_t>(positions.end() - from, static_cast<std::ptrdiff_t>(batch - filled));
      batches.back().push_back({sample, {from, from + part}, filled});
      from += part;
      filled += static_cast<std::size_t>(part);
    }
  }
  return batches;
}

std::size_t column_count(const std::vector<Piece>& pieces) {
  return pieces.empty() ? 0 : pieces.back().offset + pieces.back().positions.size();
}

}  // namespace

void GroupMoments::add(const GroupMoments& other) {
  for (std::size_t i = 0; i < h.values.size(); ++i) h.values[i] += other.h.values[i];
  for (std::size_t i = 0; i < hx.values.size(); ++i) hx.values[i] += other.hx.values[i];
}

bool MomentSource::has_same_shapes() const {
  for (std::size_t sample = 0; sample < fp32.samples(); ++sample) {
    if (fp32.value(sample, fp32_tensor).shape != quantized.value(sample, quantized_tensor).shape) return false;
  }
  return true;
}

std::size_t batch_limit(const Context& context) { return std::min(batch_bytes, context.working_memory / 12); }

std::vector<ColumnBlock> column_blocks(const ColumnView& view, std::size_t longest) {
  const std::size_t taps = view.taps(), channels = view.length() / taps;
  const std::size_t parts = std::min(channels, (view.length() + longest - 1) / longest);
  std::vector<ColumnBlock> blocks;
  for (std::size_t group = 0; group < view.groups(); ++group) {
    for (std::size_t part = 0; part < parts; ++part) {
      const std::size_t begin = channels * part / parts, end = channels * (part + 1) / parts;
      blocks.push_back({group, begin * taps, (end - begin) * taps});
    }
  }
  return blocks;
}

LayerMoments measure_moments(const ColumnView& view, std::vector<ColumnBlock> blocks, const MomentSource& source, std::size_t columns,
                             bool centered, std::uint64_t seed, const Context& context) {
  LayerMoments result{std::move(blocks), {}, {}, {}, 0};
  const std::size_t samples = source.fp32.samples(), stride = view.groups() * view.length();
  const std::size_t per_sample = std::max<std::size_t>(1, (columns + samples - 1) / samples);
  const std::size_t batch = std::max<std::size_t>(1, batch_limit(context) / (stride * sizeof(float)));
  const float unit = unit_of(source, context);
  Batch now{0, stride, {}, {}, {}};
  const auto gather = [&](const std::vector<Piece>& pieces) {
    now.count = column_count(pieces);
    now.fp.resize(now.count * stride);
    now.q.resize(now.count * stride);
    parallel_for(context, 2 * pieces.size(), [&](std::size_t i, unsigned) {
      const Piece& piece = pieces[i / 2];
      const bool is_fp = i % 2 == 0;
      const Tensor& values =
          is_fp ? source.fp32.value(piece.sample, source.fp32_tensor) : source.quantized.value(piece.sample, source.quantized_tensor);
      view.gather(values, piece.positions, (is_fp ? now.fp : now.q).data() + piece.offset * stride);
    });
    if (source.gain != nullptr) {
      now.roots = source.gain->roots(now.fp, now.q, now.count);
      now.apply_roots();
    }
    if (unit != 1) now.divide_by(unit);
  };
  const auto moments_of = [&](const std::vector<std::vector<Piece>>& batches) {
    Accumulator sums(result.blocks, view.length());
    for (const auto& pieces : batches) {
      gather(pieces);
      sums.add(now, context);
    }
    return sums.finish(centered, unit, context);
  };
  const auto fits = batches_of(view, source, false, per_sample, batch, seed);
  for (const auto& pieces : fits) result.columns += column_count(pieces);
  result.fit = moments_of(fits);
  const auto checks = batches_of(view, source, true, per_sample, batch, seed);
  if (checks.size() == 1 && column_count(checks[0]) <= result.blocks[0].length) {
    gather(checks[0]);
    result.check_columns.resize(result.blocks.size());
    parallel_for(context, result.blocks.size(), [&](std::size_t b, unsigned) {
      result.check_columns[b] = columns_of(result.blocks[b], view.length(), now, unit, result.fit[b]);
    });
  } else if (!checks.empty()) {
    result.check = moments_of(checks);
  }
  return result;
}

}  // namespace quantize
