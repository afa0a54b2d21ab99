#include "mixed/file_bytes.h"

#include "model/payload.h"
#include "rewrite/merge_groups.h"
#include "rewrite/point_products.h"
#include "rewrite/resize_by_products.h"
#include "rewrite/rewrite.h"
#include "rewrite/slim.h"

namespace quantize {

std::uint64_t file_bytes(const Plan& plan, const Target& target) {
  Model written = rewrite(plan.model, plan.placement, plan.encodings);
  if (target.point_products) multiply_points(written, results_within_pairs(plan.model, plan.placement, false));
  if (target.merge_groups) merge_groups(written);
  if (target.resize_by_products) resize_by_products(written);
  slim(written.proto, target.computes_constants);
  return stored_bytes(written.proto);
}

}  // namespace quantize
