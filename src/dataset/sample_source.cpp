#include "dataset/sample_source.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <optional>
#include <set>
#include <string_view>

#include "base/error.h"
#include "base/files.h"
#include "base/parallel.h"
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

std::string lower_ending(const fs::path& path) {
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return ending;
}

bool is_picture(const fs::path& path) {
  static const std::set<std::string, std::less<>> endings = {".jpg", ".jpeg", ".png", ".bmp", ".ppm", ".pgm"};
  return endings.contains(lower_ending(path));
}

// The pictures or the tensors in a folder, sorted by name.
std::vector<fs::path> list_folder(const fs::path& folder) {
  std::error_code code;
  if (!fs::is_directory(folder, code)) fail("there is no folder " + folder.string());
  std::vector<fs::path> paths;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
    std::error_code ignored;  // a dangling link is no regular file
    const auto& path = entry->path();
    const bool hidden = path.filename().string().starts_with('.');
    if (!hidden && entry->is_regular_file(ignored) && (is_picture(path) || is_npy(path))) paths.push_back(path);
  }
  if (code) fail("cannot list the folder " + folder.string() + ": " + code.message());
  if (paths.empty()) fail("the folder " + folder.string() + " holds no pictures (.jpg .jpeg .png .bmp .ppm .pgm) and no .npy files");
  std::sort(paths.begin(), paths.end());
  const auto tensors = std::count_if(paths.begin(), paths.end(), is_npy);
  if (tensors != 0 && static_cast<std::size_t>(tensors) != paths.size()) {
    fail("the folder " + folder.string() + " mixes pictures and .npy files; keep one kind only");
  }
  return paths;
}

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

int channels_of(const Preprocess& preprocess) { return preprocess.color == ColorOrder::gray ? 1 : 3; }

Tensor load_tensor(const fs::path& path, const InputSpec& input) {
  return fit_tensor(read_npy(path), input.type, input.shape, path.string());
}

Tensor load_picture(const fs::path& path, const InputSpec& input, const Preprocess& preprocess) {
  const Image picture = read_image(path, channels_of(preprocess));
  try {
    return to_input(picture, input.shape, input.type, preprocess);
  } catch (const Error& error) {
    throw Error(error.kind(), path.string() + " for the model input '" + input.name + "': " + error.what());
  }
}

void try_to_read(const fs::path& path, int channels, Room& room) {
  const std::string text = read_file(path);
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  const bool npy = is_npy(path);
  const Room::Stay stay(room, npy ? 2 * text.size() : decoding_bytes(bytes, channels, path.string()));
  if (npy) {
    parse_npy(text, path.string());
  } else {
    decode_image(bytes, channels, path.string());
  }
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
    for (std::size_t i = 0; i < random_samples; ++i) source.files_.push_back({"random_" + std::to_string(i), {}});
    return source;
  }
  const bool several = source.inputs_.size() > 1;
  for (const auto& input : source.inputs_) {
    const auto input_folder = several ? folder / input.name : folder;
    auto paths = list_folder(input_folder);
    if (several) std::sort(paths.begin(), paths.end(), [](const fs::path& a, const fs::path& b) { return a.stem() < b.stem(); });
    if (&input == &source.inputs_.front()) {
      for (auto& path : paths) source.files_.push_back({path.stem().string(), {path}});
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
    sample.inputs.push_back(is_npy(path) ? load_tensor(path, inputs_[i]) : load_picture(path, inputs_[i], preprocess_));
  }
  return sample;
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

SampleSource SampleSource::readable(const std::function<void(const std::string&)>& skipped, const Context& context,
                                    std::size_t memory) const {
  std::vector<std::string> reasons(size());
  Room room(memory);
  parallel_for(context, size(), [&](std::size_t i, unsigned) {
    try {
      for (const auto& path : files_[i].files) try_to_read(path, channels_of(preprocess_), room);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::data) throw;
      reasons[i] = error.what();
    }
  });
  SampleSource result = *this;
  result.files_.clear();
  result.reading_bytes_ = room.most_wanted();
  std::string first_reason;
  for (std::size_t i = 0; i < size(); ++i) {
    if (reasons[i].empty()) {
      result.files_.push_back(files_[i]);
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

SampleSource SampleSource::with_inputs(std::vector<InputSpec> inputs, const Preprocess& preprocess) const {
  SampleSource result = *this;
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
