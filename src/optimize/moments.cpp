#include "optimize/moments.h"

#include <algorithm>
#include <numeric>
#include <random>

#include "base/parallel.h"

namespace quantize {
namespace {

constexpr std::size_t check_every = 8;
constexpr std::size_t tile = 256;
constexpr std::size_t batch_bytes = std::size_t{96} << 20;  // of gathered columns, for each of the two networks

bool is_check(std::size_t sample, std::size_t samples) { return samples >= check_every && sample % check_every == check_every - 1; }

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

// Sums over columns that arrive in batches.
class Accumulator {
 public:
  Accumulator(std::size_t groups, std::size_t length) : groups_(groups), length_(length), moments_(groups) {
    for (auto& group : moments_) {
      group.h = Matrix(length, length);
      group.hx = Matrix(length, length);
      group.mean_fp.assign(length, 0);
      group.mean_q.assign(length, 0);
    }
  }

  // fp, q: `columns` rows of groups * length values.
  void add(const std::vector<float>& fp, const std::vector<float>& q, std::size_t columns, const Context& context) {
    const std::size_t stride = groups_ * length_, tiles = (length_ + tile - 1) / tile;
    parallel_for(context, groups_ * tiles, [&](std::size_t task, unsigned) {
      const std::size_t group = task / tiles, row = task % tiles * tile, rows = std::min(tile, length_ - row);
      const float *base_fp = fp.data() + group * length_, *base_q = q.data() + group * length_;
      auto& moments = moments_[group];
      for (std::size_t col = 0; col < length_; col += tile) {
        const std::size_t cols = std::min(tile, length_ - col);
        if (col >= row) linalg().add_gram({base_q, base_q, columns, stride, row, rows, col, cols}, moments.h);
        linalg().add_gram({base_fp, base_q, columns, stride, row, rows, col, cols}, moments.hx);
      }
      for (std::size_t n = 0; n < columns; ++n) {
        for (std::size_t k = row; k < row + rows; ++k) {
          moments.mean_fp[k] += base_fp[n * stride + k];
          moments.mean_q[k] += base_q[n * stride + k];
        }
      }
    });
    count_ += columns;
  }

  std::vector<GroupMoments> finish(bool centered) {
    const double scale = count_ > 0 ? 1.0 / static_cast<double>(count_) : 0;
    for (auto& group : moments_) {
      for (auto* mean : {&group.mean_fp, &group.mean_q}) {
        for (auto& value : *mean) value = centered ? value * scale : 0;
      }
      for (std::size_t r = 0; r < length_; ++r) {
        for (std::size_t c = 0; c < length_; ++c) {
          group.hx(r, c) = group.hx(r, c) * scale - group.mean_fp[r] * group.mean_q[c];
          if (c >= r) group.h(r, c) = group.h(c, r) = group.h(r, c) * scale - group.mean_q[r] * group.mean_q[c];
        }
      }
    }
    return std::move(moments_);
  }

  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  std::size_t groups_, length_, count_ = 0;
  std::vector<GroupMoments> moments_;
};

}  // namespace

LayerMoments measure_moments(const ColumnView& view, const MomentSource& source, std::size_t columns, bool centered, std::uint64_t seed,
                             const Context& context) {
  const std::size_t samples = source.fp32.samples(), stride = view.groups() * view.length();
  const std::size_t per_sample = std::max<std::size_t>(1, (columns + samples - 1) / samples);
  const std::size_t batch = std::max<std::size_t>(1, batch_bytes / (stride * sizeof(float)));
  Accumulator fit(view.groups(), view.length()), check(view.groups(), view.length());

  // Positions of all samples in order, cut into batches; the cut does not depend on the number of threads.
  struct Piece {
    std::size_t sample;
    std::vector<std::size_t> positions;
    std::size_t offset;
  };
  std::vector<float> columns_fp, columns_q;
  for (const bool checking : {false, true}) {
    std::vector<Piece> pieces;
    std::size_t filled = 0;
    const auto flush = [&] {
      columns_fp.resize(filled * stride);
      columns_q.resize(filled * stride);
      parallel_for(context, pieces.size(), [&](std::size_t i, unsigned) {
        const Piece& piece = pieces[i];
        view.gather(source.fp32.value(piece.sample, source.fp32_tensor), piece.positions, columns_fp.data() + piece.offset * stride);
        view.gather(source.quantized.value(piece.sample, source.quantized_tensor), piece.positions,
                    columns_q.data() + piece.offset * stride);
      });
      if (filled > 0) (checking ? check : fit).add(columns_fp, columns_q, filled, context);
      pieces.clear();
      filled = 0;
    };
    for (std::size_t sample = 0; sample < samples; ++sample) {
      if (is_check(sample, samples) != checking) continue;
      auto positions = draw(per_sample, view.positions(source.fp32.value(sample, source.fp32_tensor).shape), seed + sample);
      while (!positions.empty()) {
        const std::size_t part = std::min(positions.size(), batch - filled);
        pieces.push_back({sample, {positions.begin(), positions.begin() + static_cast<std::ptrdiff_t>(part)}, filled});
        positions.erase(positions.begin(), positions.begin() + static_cast<std::ptrdiff_t>(part));
        filled += part;
        if (filled == batch) flush();
      }
    }
    flush();
  }
  LayerMoments moments;
  moments.fit_columns = fit.count();
  moments.check_columns = check.count();
  moments.fit = fit.finish(centered);
  if (moments.check_columns > 0) moments.check = check.finish(centered);
  return moments;
}

}  // namespace quantize
