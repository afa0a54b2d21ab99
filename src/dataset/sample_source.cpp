#include "dataset/sample_source.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/files.h"
#include "base/parallel.h"
#include "dataset/data_files.h"
#include "dataset/fit_tensor.h"
#include "dataset/image.h"
#include "dataset/npy.h"
#include "dataset/random_sample.h"
#include "dataset/room.h"

namespace quantize {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t random_samples = 100;

[[noreturn]] void fail(const std::string& text) { throw Error(ErrorKind::data, text); }

// Adds one input's files to the items, which pair up by stem.
void add_files(std::vector<SampleFile>& items, const std::vector<fs::path>& paths, const fs::path& folder) {
  for (std::size_t i = 0; i < std::max(items.size(), paths.size()); ++i) {
    const bool paired = i < items.size() && i < paths.size() && items[i].stem == paths[i].stem();
    if (!paired) {
      const std::string odd = i < paths.size() ? paths[i].string() : items[i].files.front().string();
      fail("the names in " + folder.string() + " are not those given for the first model input: " + odd + " has no partner");
    }
    items[i].files.push_back(paths[i]);
  }
}

// `count` of `size` indices, each in the middle of its share; 0, 1, 2... when all are wanted.
std::vector<std::size_t> evenly_spread(std::size_t count, std::size_t size) {
  std::vector<std::size_t> indices(count);
  for (std::size_t i = 0; i < count; ++i) indices[i] = (2 * i + 1) * size / (2 * count);
  return indices;
}

// Every setting that changes the tensors, exact to the last bit.
std::string describe(const Preprocess& preprocess) {
  const auto exact = [](float value) {
    char text[32];
    std::snprintf(text, sizeof text, " %a", static_cast<double>(value));
    return std::string(text);
  };
  std::string text = "scale" + exact(preprocess.scale) + " mean";
  for (const float value : preprocess.mean) text += exact(value);
  text += " std";
  for (const float value : preprocess.std) text += exact(value);
  text += " color " + std::to_string(static_cast<int>(preprocess.color)) + " layout " + std::to_string(static_cast<int>(preprocess.layout));
  return text + " resize " + std::to_string(static_cast<int>(preprocess.resize)) + "\n";
}

// Strings, sequences, and types narrower than a byte are in no picture and no .npy file.
void require_readable_types(const std::vector<InputSpec>& inputs) {
  for (const auto& input : inputs) {
    if (element_size(input.type) == 0) {
      throw Error(ErrorKind::model, "the model's input '" + input.name + "' takes values (" + type_name(input.type) +
                                        ") that no picture and no .npy file holds");
    }
  }
}

// A folder of one sub-folder per input; whoever has pictures for one input does not know that there are several.
void require_sub_folders(const fs::path& folder, const std::vector<InputSpec>& inputs) {
  std::string names, missing;
  std::error_code code;
  for (const auto& input : inputs) {
    names += (names.empty() ? "" : ", ") + input.name;
    if (missing.empty() && !fs::exists(folder / input.name, code)) missing = (folder / input.name).string();
  }
  if (missing.empty() || !fs::is_directory(folder, code)) return;
  fail("the model has " + std::to_string(inputs.size()) + " inputs (" + names + "): put one sub-folder per input into " + folder.string() +
       "; there is no " + missing);
}

int channels_of(const Preprocess& preprocess) { return preprocess.color == ColorOrder::gray ? 1 : 3; }

Tensor load_tensor(const fs::path& path, const InputSpec& input) {
  return fit_tensor(read_npy(path), input.type, input.shape, path.string());
}

// `shown`: what is kept of it, or null.
Tensor load_picture(const fs::path& path, const InputSpec& input, const Preprocess& preprocess, const Image* shown) {
  const auto to_tensor = [&](const Image& picture) {
    try {
      return to_input(picture, input.shape, input.type, preprocess);
    } catch (const Error& error) {
      throw Error(error.kind(), path.string() + " for the model input '" + input.name + "': " + error.what());
    }
  };
  const int channels = channels_of(preprocess);
  const auto size = fixed_picture_size(input.shape, preprocess.layout);
  const bool fits = shown != nullptr && size == PictureSize{shown->width, shown->height} && shown->channels == channels;
  return fits ? to_tensor(*shown) : to_tensor(read_image(path, channels));
}

// What the model is shown of a larger picture; null for all others, which cost little.
std::shared_ptr<const Image> shown_of(const Image& picture, const InputSpec& input, const Preprocess& preprocess) {
  const auto size = fixed_picture_size(input.shape, preprocess.layout);
  if (!size) return nullptr;
  const auto [width, height] = *size;
  if (static_cast<std::int64_t>(picture.width) * picture.height <= static_cast<std::int64_t>(width) * height) return nullptr;
  return std::make_shared<const Image>(fit_picture(picture, width, height, preprocess.resize));
}

// Of one item, if all its pictures are larger than the inputs.
std::size_t bytes_shown(const std::vector<InputSpec>& inputs, const Preprocess& preprocess) {
  std::size_t bytes = 0;
  for (const auto& input : inputs) {
    const auto [width, height] = fixed_picture_size(input.shape, preprocess.layout).value_or(PictureSize());
    bytes += static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * static_cast<std::size_t>(channels_of(preprocess));
  }
  return bytes;
}

// The picture; nothing where it is a tensor. `wanted` is set to what reading it takes.
std::optional<Image> try_to_read(const fs::path& path, int channels, Room& room, std::size_t& wanted) {
  const std::string text = read_file(path);
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  const bool npy = is_npy(path);
  wanted = npy ? 2 * text.size() : decoding_bytes(bytes, channels, path.string());
  const Room::Stay stay(room, wanted);
  if (!npy) return decode_image(bytes, channels, path.string());
  parse_npy(text, path.string());
  return std::nullopt;
}

}  // namespace

SampleSource SampleSource::open(const fs::path& folder, std::vector<InputSpec> inputs, const Preprocess& preprocess, std::uint64_t seed) {
  if (inputs.empty()) throw Error(ErrorKind::internal, "a sample source needs a model input");
  require_readable_types(inputs);
  SampleSource source;
  source.inputs_ = std::move(inputs);
  source.preprocess_ = preprocess;
  if (folder == "random") {
    source.random_seed_ = seed;
    for (std::size_t i = 0; i < random_samples; ++i) source.files_.push_back({.stem = "random_" + std::to_string(i), .files = {}});
    return source;
  }
  const bool several = source.inputs_.size() > 1;
  if (several) require_sub_folders(folder, source.inputs_);
  for (const auto& input : source.inputs_) {
    const auto input_folder = several ? folder / input.name : folder;
    auto [paths, passed_over] = list_folder(input_folder);
    source.passed_over_.insert(source.passed_over_.end(), passed_over.begin(), passed_over.end());
    if (several) std::sort(paths.begin(), paths.end(), [](const fs::path& a, const fs::path& b) { return a.stem() < b.stem(); });
    if (&input == &source.inputs_.front()) {
      for (auto& path : paths) source.files_.push_back({.stem = path.stem().string(), .files = {path}});
    } else {
      add_files(source.files_, paths, input_folder);
    }
  }
  return source;
}

Sample SampleSource::load(std::size_t index) const {
  const auto& item = files_.at(index);
  Sample sample{item.stem, {}};
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (random_seed_) {
      sample.inputs.push_back(random_tensor(inputs_[i].shape, inputs_[i].type, preprocess_, *random_seed_, item.stem + inputs_[i].name));
      continue;
    }
    const auto& path = item.files[i];
    const Image* shown = i < item.shown.size() ? item.shown[i].get() : nullptr;
    sample.inputs.push_back(is_npy(path) ? load_tensor(path, inputs_[i]) : load_picture(path, inputs_[i], preprocess_, shown));
  }
  return sample;
}

bool SampleSource::holds_pictures() const {
  if (files_.empty()) return false;
  if (random_seed_) return takes_pictures(inputs_[0].shape, inputs_[0].type, preprocess_);
  return !is_npy(files_[0].files[0]);
}

SampleSource SampleSource::evenly(std::size_t count) const {
  if (count >= size()) return *this;
  SampleSource result = *this;
  result.files_.clear();
  for (const auto index : evenly_spread(count, size())) result.files_.push_back(files_[index]);
  return result;
}

SampleSource SampleSource::shard(std::size_t index, std::size_t count) const {
  SampleSource result = *this;
  result.files_.clear();
  for (std::size_t i = index; i < size(); i += count) result.files_.push_back(files_[i]);
  return result;
}

std::pair<SampleSource, SampleSource> SampleSource::hold_out(double fraction) const {
  if (size() < 2) fail("at least two items are needed to hold some out, there is " + std::to_string(size()));
  const double wanted = fraction > 0 ? std::round(std::min(fraction, 1.0) * static_cast<double>(size())) : 0;
  const auto count = std::clamp<std::size_t>(static_cast<std::size_t>(wanted), 1, size() - 1);
  const auto indices = evenly_spread(count, size());
  auto result = std::pair(*this, *this);
  auto& [rest, held_out] = result;
  rest.files_.clear();
  held_out.files_.clear();
  for (std::size_t i = 0; i < size(); ++i) {
    const bool held = std::binary_search(indices.begin(), indices.end(), i);
    (held ? held_out : rest).files_.push_back(files_[i]);
  }
  return result;
}

SampleSource SampleSource::readable(const std::function<void(const std::string&)>& skipped, const Context& context, std::size_t memory,
                                    std::size_t shown) const {
  std::vector<std::string> reasons(size());
  std::vector<SampleFile> read = files_;
  std::vector<std::size_t> again(size());  // what loading an item will take for reading those of its files of which nothing is kept
  const std::size_t each = bytes_shown(inputs_, preprocess_), kept = each == 0 ? 0 : shown / each;
  Room room(memory);
  parallel_for(context, size(), [&](std::size_t i, unsigned) {
    try {
      for (std::size_t k = 0; k < read[i].files.size(); ++k) {
        std::size_t wanted = 0;
        const auto picture = try_to_read(read[i].files[k], channels_of(preprocess_), room, wanted);
        read[i].shown.push_back(picture && i < kept ? shown_of(*picture, inputs_[k], preprocess_) : nullptr);
        if (read[i].shown.back() == nullptr) again[i] = std::max(again[i], wanted);
      }
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      reasons[i] = error.what();
    }
  });
  SampleSource result = *this;
  result.files_.clear();
  result.reading_bytes_ = room.most_wanted();
  result.loading_bytes_ = 0;
  std::string first_reason;
  for (std::size_t i = 0; i < size(); ++i) {
    if (reasons[i].empty()) {
      result.files_.push_back(std::move(read[i]));
      result.loading_bytes_ = std::max(result.loading_bytes_, again[i]);
      continue;
    }
    if (first_reason.empty()) first_reason = reasons[i];
    if (skipped) skipped(reasons[i]);
  }
  if (result.files_.empty() && !first_reason.empty()) {
    fail("none of the " + std::to_string(size()) + " items can be read; the first: " + first_reason);
  }
  return result;
}

std::size_t SampleSource::shown_bytes() const {
  std::size_t bytes = 0;
  for (const auto& item : files_) {
    for (const auto& image : item.shown) bytes += image == nullptr ? 0 : image->pixels.size();
  }
  return bytes;
}

SampleSource SampleSource::with_inputs(std::vector<InputSpec> inputs, const Preprocess& preprocess) const {
  SampleSource result = *this;
  for (auto& item : result.files_) {
    if (preprocess.resize != preprocess_.resize) item.shown.clear();
  }
  result.inputs_ = std::move(inputs);
  result.preprocess_ = preprocess;
  return result;
}

std::string SampleSource::fingerprint() const {
  std::string text = describe(preprocess_);
  if (random_seed_) text += "random " + std::to_string(*random_seed_) + " " + std::to_string(size()) + "\n";
  for (const auto& item : files_) {
    for (const auto& path : item.files) text += path.filename().string() + " " + quantize::fingerprint(read_file(path)) + "\n";
  }
  return quantize::fingerprint(text);
}

}  // namespace quantize
