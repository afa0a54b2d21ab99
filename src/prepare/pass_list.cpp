#include "model/graph.h"
#include "prepare/passes.h"
#include "prepare/prepare.h"

namespace quantize {

std::string counted(std::size_t count, const std::string& singular, const std::string& plural) {
  if (count == 0) return {};
  return std::to_string(count) + " " + (count == 1 ? singular : plural);
}

bool may_replace(const onnx::NodeProto& node, const IsKept& is_kept) { return standard_domain(node) && !(is_kept && is_kept(node)); }

std::vector<Pass> preparation_passes(const PrepareOptions& options) {
  const auto raise = [version = options.opset](Model& model) { return raise_opset(model, version); };
  const auto unless = [](bool kept, auto pass) { return [kept, pass](Model& model) { return kept ? std::string() : pass(model); }; };
  const auto sparing = [kept = options.is_kept](auto pass) { return [kept, pass](Model& model) { return pass(model, kept); }; };
  const bool channels = options.keep_channels;
  return {
      {"drop-input-initializers", "weights that are also listed as inputs of the model are weights only", drop_input_initializers},
      {"unpack-constants", "Constant nodes become initializers", unpack_constants},
      {"inline-functions", "local functions become the nodes of their bodies", inline_functions},
      {"plain-casts", "a CastLike of a type that is known becomes a Cast", plain_casts},
      {"fold-constants", "what depends on constants and known shapes only is computed once, an If on a constant becomes its branch",
       fold_constants},
      {"compute-in-float", "a model in half or double precision is computed in float; its inputs and outputs keep their types",
       compute_in_float},
      {"drop-identities", "nodes that do nothing, and nodes nobody reads, are removed", drop_identities},
      {"raise-opset", "the model is raised to the operator set that the scheme needs", raise, true},
      {"name-all-axes", "a Pad or Resize of some axes says of all of them what it does, as ONNX Runtime expects", name_all_axes},
      {"move-transposes", "a Transpose that undoes an earlier one, with operators in between that mind no order, goes with it",
       unless(channels, sparing(move_transposes))},
      {"clip-bounds", "Min and Max with a constant become Clip, Clip from 0 upwards becomes Relu", sparing(clip_bounds)},
      {"fuse-hard-swish", "x * clip (x + 3, 0, 6) / 6 written out becomes HardSwish", sparing(fuse_hard_swish)},
      {"fuse-gelu", "x * (1 + erf (x / sqrt 2)) / 2 written out becomes Gelu", unless(!options.knows_gelu, sparing(fuse_gelu))},
      {"pool-means", "the mean of every channel is taken by GlobalAveragePool", sparing(pool_means)},
      {"token-gemms", "a product with a constant matrix and the sum behind it become a Gemm over the list of all tokens",
       unless(channels, sparing(token_gemms))},
      {"fold-gemm-factors", "alpha and beta of Gemm go into its constant weight and bias", fold_gemm_factors},
      {"fuse-bias-add", "an Add of constants after Conv, ConvTranspose and Gemm becomes their bias", fuse_bias_add},
      {"fold-batch-norm", "BatchNormalization goes into the Conv, ConvTranspose or Gemm beside it, else becomes Mul and Add",
       fold_batch_norm},
      {"join-affine", "operators with constants in a row become one factor and one summand", unless(channels, sparing(join_affine))},
      {"fold-scales", "a constant factor per channel after Conv, ConvTranspose and Gemm goes into their weights", fold_scales},
      {"fold-factors-ahead", "one factor or summand ahead of Conv and Gemm goes into their weights", fold_factors_ahead},
      {"fold-factors-behind", "a factor per channel goes back through sums, Concats and what passes it on into the weights before",
       unless(channels, fold_factors_behind)},
      {"fold-summands-behind", "a summand per channel goes back through sums, Concats and what passes it on into the biases before",
       unless(channels, fold_summands_behind)},
      {"fold-hard-sigmoids", "HardSigmoid becomes a Clip, its factor and summand go into the convolution before",
       unless(channels, sparing(fold_hard_sigmoids))},
      {"fold-pads", "zeros put around the input of a convolution become its padding", fold_pads},
      {"fold-shuffles", "the order in which a channel shuffle puts channels goes into the weights behind it",
       unless(channels, fold_shuffles)},
      {"fold-pixel-input", "the normalisation of uint8 pixels goes into the convolution behind it, padded or not",
       sparing(fold_pixel_input)},
      {"fuse-bias-add", "the same for what followed a BatchNormalization", fuse_bias_add},
      {"plain-gemms", "the factors of a Gemm go into its weight and bias, a transposed input gets a Transpose", plain_gemms},
      {"fork-shared-weights", "a weight whose readers have their channels along different axes becomes one for each", fork_shared_weights},
  };
}

}  // namespace quantize
