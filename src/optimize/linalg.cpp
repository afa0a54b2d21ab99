#include "optimize/linalg.h"

#include <algorithm>

namespace quantize {

namespace baseline {
extern const Linalg table;
}
#ifdef LINALG_X86
namespace avx2 {
extern const Linalg table;
}
namespace avx512 {
extern const Linalg table;
}
#endif

std::vector<const Linalg*> linalg_variants() {
  std::vector<const Linalg*> variants = {&baseline::table};
#ifdef LINALG_X86
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) variants.push_back(&avx2::table);
  if (__builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
      __builtin_cpu_supports("avx512vl") != 0) {
    variants.push_back(&avx512::table);
  }
#endif
  return variants;
}

const Linalg& linalg() {
  static const Linalg* const best = linalg_variants().back();
  return *best;
}

Matrix some_rows(const Matrix& m, std::size_t begin, std::size_t count) {
  Matrix part(count, m.cols);
  std::copy_n(m.values.begin() + static_cast<std::ptrdiff_t>(begin * m.cols), count * m.cols, part.values.begin());
  return part;
}

}  // namespace quantize
