// Where samples come from: a folder of pictures or of .npy tensors becomes a numbered list of model inputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/context.h"
#include "dataset/image.h"
#include "dataset/preprocess.h"
#include "model/tensor.h"

namespace quantize {

// What the model wants to be fed; dimensions that are not fixed are -1.
struct InputSpec {
  std::string name;
  ElementType type = onnx::TensorProto::FLOAT;
  Shape shape;
};

// One item of a data set: the files it is read from, one per model input.
struct SampleFile {
  std::string stem;                          // name without folder and ending: pairs a picture with its label
  std::vector<std::filesystem::path> files;  // none where the item is drawn at random
  // Of pictures larger than the model's input, as that is shown them, so that they are not decoded in every pass; one per file, null where
  // none is kept.
  std::vector<std::shared_ptr<const Image>> shown = {};
};

// The tensors of one item, in the order of the model's inputs.
struct Sample {
  std::string stem;
  std::vector<Tensor> inputs;
};

class SampleSource {
 public:
  // Lists `folder` (sorted by name; hidden files and sub-folders ignored): pictures (.jpg .jpeg .png .bmp .ppm .pgm) or .npy files. With
  // several model inputs, one sub-folder per input name, the same stems in each. Nothing is decoded yet. Throws Error{data} when the folder
  // is missing, holds nothing usable, mixes kinds, or stems do not match between inputs, Error{model} for inputs of a type that no file
  // holds. The name "random" (a folder of that name is "./random") stands for 100 samples drawn from `seed`.
  static SampleSource open(const std::filesystem::path& folder, std::vector<InputSpec> inputs, const Preprocess& preprocess,
                           std::uint64_t seed = 0);

  [[nodiscard]] std::size_t size() const { return files_.size(); }
  [[nodiscard]] bool is_random() const { return random_seed_.has_value(); }
  [[nodiscard]] const SampleFile& file(std::size_t index) const { return files_[index]; }
  [[nodiscard]] const std::vector<InputSpec>& inputs() const { return inputs_; }
  [[nodiscard]] const Preprocess& preprocess() const { return preprocess_; }

  // Files in the folder that look like data and are not used, with the reason: pictures of kinds that are not read, links that lead
  // nowhere.
  [[nodiscard]] const std::vector<std::string>& passed_over() const { return passed_over_; }
  // Whether the first input is made from pictures, whose pixels the pre-processing is about, rather than from tensors.
  [[nodiscard]] bool holds_pictures() const;

  // Decodes, resizes and normalises one item; safe to call from several threads. The batch dimension is 1 where the model leaves it free; a
  // fixed batch larger than 1 repeats the item. Throws Error{data} naming the file when it cannot be decoded or does not fit the model.
  [[nodiscard]] Sample load(std::size_t index) const;

  // `count` items evenly spread over the list (all of them if count >= size()).
  [[nodiscard]] SampleSource evenly(std::size_t count) const;
  // Those whose number leaves the remainder `index` when divided by `count`.
  [[nodiscard]] SampleSource shard(std::size_t index, std::size_t count) const;
  // Splits off about `fraction` of the items, evenly spread, at least 1 and at most size() - 1: {rest, held out}. Needs two items or more
  // (Error{data}).
  [[nodiscard]] std::pair<SampleSource, SampleSource> hold_out(double fraction) const;
  // Without the items whose files cannot be decoded. Each of those is passed to `skipped` with the reason. Several are decoded at once, as
  // many as need no more than `memory` bytes together. Of the first, what the model is shown is kept, in `shown` bytes at the most. Throws
  // Error{data} with the first reason when none is left.
  [[nodiscard]] SampleSource readable(const std::function<void(const std::string& reason)>& skipped, const Context& context = Context(),
                                      std::size_t memory = std::numeric_limits<std::size_t>::max(), std::size_t shown = 0) const;
  // What is kept of them; copies of this source and parts of it share that.
  [[nodiscard]] std::size_t shown_bytes() const;
  // What reading one file of these items takes at the most; 0 before readable() has seen them.
  [[nodiscard]] std::size_t reading_bytes() const { return reading_bytes_; }
  // The same for load(), which does not read the files of pictures that are kept.
  [[nodiscard]] std::size_t loading_bytes() const { return loading_bytes_; }
  // The same items as inputs of another model, or of the same one fed otherwise.
  [[nodiscard]] SampleSource with_inputs(std::vector<InputSpec> inputs, const Preprocess& preprocess) const;
  // Fingerprint of the names and bytes of all files and of the pre-processing.
  [[nodiscard]] std::string fingerprint() const;

 private:
  std::vector<SampleFile> files_;
  std::vector<std::string> passed_over_;
  std::vector<InputSpec> inputs_;
  Preprocess preprocess_;
  std::optional<std::uint64_t> random_seed_;
  std::size_t reading_bytes_ = 0, loading_bytes_ = 0;
};

}  // namespace quantize
