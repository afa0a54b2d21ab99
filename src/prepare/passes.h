// The passes, one per file of the same name. Each edits the model and says what it did in a few words, or returns an empty string and
// leaves it untouched.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "model/model.h"

namespace quantize {

// Nodes that the user wants left alone; none where it is empty.
using IsKept = std::function<bool(const onnx::NodeProto&)>;
// Of ONNX's own domain, and not one of those: another operator may be made of it.
bool may_replace(const onnx::NodeProto& node, const IsKept& is_kept);

std::string drop_input_initializers(Model& model);
std::string unpack_constants(Model& model);
std::string inline_functions(Model& model);
std::string plain_casts(Model& model);
std::string fold_constants(Model& model);
std::string compute_in_float(Model& model);
std::string drop_identities(Model& model);
std::string raise_opset(Model& model, std::int64_t version);
std::string name_all_axes(Model& model);
std::string move_transposes(Model& model, const IsKept& is_kept = {});
std::string clip_bounds(Model& model, const IsKept& is_kept = {});
std::string fuse_hard_swish(Model& model, const IsKept& is_kept = {});
std::string fuse_gelu(Model& model, const IsKept& is_kept = {});
std::string token_gemms(Model& model, const IsKept& is_kept = {});
std::string fold_gemm_factors(Model& model);
std::string fuse_bias_add(Model& model);
std::string fold_batch_norm(Model& model);
std::string join_affine(Model& model, const IsKept& is_kept = {});
std::string fold_scales(Model& model);
std::string fold_factors_ahead(Model& model);
std::string fold_hard_sigmoids(Model& model, const IsKept& is_kept = {});
std::string fold_pads(Model& model);
std::string fold_shuffles(Model& model);
std::string fold_factors_behind(Model& model);
std::string fold_summands_behind(Model& model);
std::string fold_pixel_input(Model& model, const IsKept& is_kept = {});
std::string pool_means(Model& model, const IsKept& is_kept = {});
std::string plain_gemms(Model& model);
std::string fork_shared_weights(Model& model);

// "1 node" / "3 nodes"; empty for 0: what most passes report.
std::string counted(std::size_t count, const std::string& singular, const std::string& plural);

}  // namespace quantize
