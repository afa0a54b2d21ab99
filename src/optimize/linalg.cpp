#include "optimize/linalg.h"

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

}  // namespace quantize
