#include "optimize/layer_data.h"

#include <algorithm>

#include "base/parallel.h"

namespace quantize {
namespace {

Matrix some_columns(const Matrix& m, std::size_t begin, std::size_t count) {
  Matrix part(m.rows, count);
  for (std::size_t r = 0; r < m.rows; ++r) {
    std::copy_n(m.row(r).begin() + static_cast<std::ptrdiff_t>(begin), count, part.row(r).begin());
  }
  return part;
}

void put_columns(const Matrix& part, std::size_t begin, Matrix& m) {
  for (std::size_t r = 0; r < m.rows; ++r) {
    std::copy(part.row(r).begin(), part.row(r).end(), m.row(r).begin() + static_cast<std::ptrdiff_t>(begin));
  }
}

// The errors of all readers together.
RowJudge judge_of(const std::vector<Reader>& readers, std::size_t block, const Matrix& weights, const Context& context) {
  std::vector<RowJudge> judges;
  for (const auto& reader : readers) {
    const auto& moments = reader.moments;
    if (!moments.check_columns.empty()) {
      judges.push_back(row_judge(weights, moments.check_columns[block], context));
    } else {
      judges.push_back(row_judge(weights, moments.check.empty() ? moments.fit[block] : moments.check[block], context));
    }
  }
  if (judges.size() == 1) return judges[0];
  return [judges = std::move(judges)](const Matrix& q, const Context& here) {
    std::vector<double> sum(q.rows);
    for (const auto& judge : judges) {
      const auto error = judge(q, here);
      for (std::size_t r = 0; r < sum.size(); ++r) sum[r] += error[r];
    }
    return sum;
  };
}

// Fits the blocks of one group; the blocks of a column share the row's scale, so it is chosen for all of them first.
class GroupFit {
 public:
  GroupFit(const std::vector<Reader>& readers, std::size_t group, const FitSettings& settings) : readers_(readers), settings_(settings) {
    const auto& blocks = readers[0].moments.blocks;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      if (blocks[b].group == group) blocks_.push_back(b);
    }
  }

  // Takes the weights, and fits blocks in their place: of a large layer, one matrix of them is much.
  FittedGroup run(Matrix weights, const std::vector<Grid>& grids, const std::vector<ScaleRule>& rules, const Context& context) const {
    if (blocks_.size() == 1) return fit_block(blocks_[0], weights, grids, rules, settings_, context);
    FitSettings fixed = settings_;
    fixed.search_scale = false;
    const bool free = settings_.search_scale && settings_.methods.scale;
    FittedGroup result;
    result.grids = free ? search_grids(weights, importance(), grids, rules, settings_.block, settings_.zero_points, context)
                        : row_grids(grids, settings_.block);
    Matrix columns;
    const auto chosen = as_grids(grids, result.grids, settings_.block, weights.cols, columns);
    result.weights = std::move(weights);
    const Context alone;
    parallel_for(context, blocks_.size(), [&](std::size_t i, unsigned) {
      const std::size_t b = blocks_[i];
      const auto& block = readers_[0].moments.blocks[b];
      auto own = chosen;
      for (auto& grid : own) {
        if (!grid.columns.empty()) grid.columns = grid.columns.subspan(block.offset, block.length);
      }
      const auto part = fit_block(b, some_columns(result.weights, block.offset, block.length), own, rules, fixed, alone);
      put_columns(part.weights, block.offset, result.weights);
    });
    return result;
  }

 private:
  FittedGroup fit_block(std::size_t b, const Matrix& weights, const std::vector<Grid>& grids, const std::vector<ScaleRule>& rules,
                        const FitSettings& settings, const Context& context) const {
    const auto judge = judge_of(readers_, b, weights, context);
    if (readers_.size() == 1) return fit_group(weights, readers_[0].moments.fit[b], judge, grids, rules, settings, context);
    GroupMoments sum = readers_[0].moments.fit[b];
    for (std::size_t i = 1; i < readers_.size(); ++i) sum.add(readers_[i].moments.fit[b]);
    return fit_group(weights, sum, judge, grids, rules, settings, context);
  }

  // Of every value of the column, by its power over all readers.
  [[nodiscard]] std::vector<double> importance() const {
    std::vector<double> values;
    for (const std::size_t b : blocks_) {
      for (std::size_t k = 0; k < readers_[0].moments.blocks[b].length; ++k) {
        double power = 0;
        for (const auto& reader : readers_) power += reader.moments.fit[b].h(k, k);
        values.push_back(power);
      }
    }
    return importance_of(std::move(values));
  }

  const std::vector<Reader>& readers_;
  const FitSettings& settings_;
  std::vector<std::size_t> blocks_;
};

// The mean that the new weights lose on the new inputs goes into the bias. `before`: the weights as they were, in the order of `after`.
void correct_biases(Reader& reader, std::size_t group, const std::vector<float>& before, const Matrix& after) {
  if (reader.bias.empty()) return;
  const auto& moments = reader.moments;
  for (std::size_t b = 0; b < moments.blocks.size(); ++b) {
    const auto& block = moments.blocks[b];
    if (block.group != group) continue;
    for (std::size_t r = 0; r < after.rows; ++r) {
      const auto own = std::span(before).subspan(r * after.cols, after.cols);
      double lost = 0;
      for (std::size_t k = 0; k < block.length; ++k) {
        lost +=
            static_cast<double>(own[block.offset + k]) * moments.fit[b].mean_fp[k] - after(r, block.offset + k) * moments.fit[b].mean_q[k];
      }
      reader.bias[group * after.rows + r] += static_cast<float>(lost);
    }
  }
}

}  // namespace

void fit_weight(std::vector<Reader>& readers, std::vector<float>& values, Encoding& encoding, const std::vector<ScaleRule>& rules,
                const FitSettings& settings, bool correct_bias, const Context& context) {
  const ColumnView& view = readers[0].view;
  const std::size_t rows = view.rows(), groups = view.groups();
  // Rows of several groups share a scale where scales are per tensor, or per output channel of a grouped ConvTranspose: then it stays as it
  // is.
  const std::size_t per_row = encoding.block == 0 ? 1 : encoding.scale.size() / rows;
  const bool own_scales = encoding.scale.size() == rows * groups * per_row;
  FitSettings own = settings;
  own.search_scale &= own_scales;
  own.block = static_cast<std::size_t>(encoding.block);
  // Of the encoding's scales, the one of a row of a group and of a block of its columns.
  const auto slice_at = [&](std::size_t group, std::size_t row, std::size_t block) {
    if (per_row > 1) return encoding.axis == 0 ? block * rows + row : row * per_row + block;
    return own_scales ? group * rows + row : encoding.scale.size() == 1 ? 0 : row;
  };
  const bool corrects = correct_bias && std::ranges::any_of(readers, [](const Reader& reader) { return !reader.bias.empty(); });
  std::vector<std::vector<float>> before(groups);  // as they are stored: half of what a matrix of them is
  std::vector<FittedGroup> fitted(groups);
  const auto fit_one = [&](std::size_t group, const Context& here) {
    const auto first = static_cast<std::ptrdiff_t>(group * rows), last = first + static_cast<std::ptrdiff_t>(rows);
    const std::vector<ScaleRule> own_rules(rules.begin() + first, rules.begin() + last);
    std::vector<Grid> grids;
    RowGrids plain;
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t slice = slice_at(group, r, 0);
      const IntegerRange range = encoding.weight_range(slice);
      grids.push_back({static_cast<double>(encoding.scale[slice]), range.low, range.high});
      plain.low.push_back(range.low - encoding.zero_point[slice]);
      for (std::size_t b = 0; b < per_row; ++b) plain.scale.push_back(encoding.scale[slice_at(group, r, b)]);
    }
    Matrix columns;
    grids = as_grids(grids, plain, own.block, view.length(), columns);
    Matrix weights = view.weights(values, group);
    if (corrects) before[group].assign(weights.values.begin(), weights.values.end());
    fitted[group] = GroupFit(readers, group, own).run(std::move(weights), grids, own_rules, here);
  };
  if (groups == 1) {
    fit_one(0, context);
  } else {
    Context alone;  // with many small groups, one thread each; with one group, all threads on it
    parallel_for(context, groups, [&](std::size_t group, unsigned) { fit_one(group, alone); });
  }
  for (std::size_t group = 0; group < groups; ++group) {
    for (auto& reader : readers) {
      if (corrects) correct_biases(reader, group, before[group], fitted[group].weights);
    }
    view.store(fitted[group].weights, group, values);
    for (std::size_t i = 0; i < rows * per_row && own_scales; ++i) {
      const std::size_t slice = slice_at(group, i / per_row, i % per_row);
      encoding.scale[slice] = fitted[group].grids.scale[i];
      encoding.zero_point[slice] = encoding.weight_range(slice).low - fitted[group].grids.low[i / per_row];
    }
  }
  encoding.method = "fitted to the FP32 output";
}

}  // namespace quantize
