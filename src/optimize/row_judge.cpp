#include "optimize/row_judge.h"

#include "base/parallel.h"

namespace quantize {
namespace {

// f(some rows of m, their part of the result), on pieces of rows.
Matrix by_rows(const Matrix& m, std::size_t cols, const Context& context, const std::function<void(const Matrix&, Matrix&)>& f) {
  Matrix result(m.rows, cols);
  parallel_for(context, (m.rows + rows_at_a_time - 1) / rows_at_a_time, [&](std::size_t piece, unsigned) {
    const std::size_t begin = piece * rows_at_a_time, count = std::min(rows_at_a_time, m.rows - begin);
    Matrix part(count, cols);
    f(some_rows(m, begin, count), part);
    std::ranges::copy(part.values, result.values.begin() + static_cast<std::ptrdiff_t>(begin * cols));
  });
  return result;
}

auto multiply_by(const Matrix& right) {
  return [&right](const Matrix& left, Matrix& out) { linalg().multiply(left, right, out); };
}

auto respond_to(const std::vector<float>& columns, std::size_t count) {
  return [&columns, count](const Matrix& weights, Matrix& out) { linalg().respond(weights, columns, count, out); };
}

}  // namespace

RowJudge row_judge(const Matrix& w, const GroupMoments& moments, const Context& context) {
  return [&moments, wanted = by_rows(w, moments.hx.cols, context, multiply_by(moments.hx))](const Matrix& q, const Context& here) {
    const Matrix product = by_rows(q, moments.h.cols, here, multiply_by(moments.h));
    std::vector<double> error(q.rows);
    for (std::size_t r = 0; r < q.rows; ++r) {
      for (std::size_t k = 0; k < q.cols; ++k) error[r] += q(r, k) * (product(r, k) - 2 * wanted(r, k));
    }
    return error;
  };
}

RowJudge row_judge(const Matrix& w, const GroupColumns& columns, const Context& context) {
  return
      [&columns, wanted = by_rows(w, columns.count, context, respond_to(columns.fp, columns.count))](const Matrix& q, const Context& here) {
        const Matrix response = by_rows(q, columns.count, here, respond_to(columns.q, columns.count));
        std::vector<double> error(q.rows);
        for (std::size_t r = 0; r < q.rows; ++r) {
          for (std::size_t n = 0; n < columns.count; ++n) error[r] += (response(r, n) - wanted(r, n)) * (response(r, n) - wanted(r, n));
        }
        return error;
      };
}

}  // namespace quantize
