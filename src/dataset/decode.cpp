// The only file that includes stb_image. Its functions are static here, so that a program with another copy of it can link this library.
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_NO_STDIO
#define STBI_WRITE_NO_STDIO
#define STBI_ONLY_JPEG
#define STBI_ONLY_PNG
#define STBI_ONLY_BMP
#define STBI_MAX_DIMENSIONS (1 << 20)
// A damaged file makes stb_image read what it never wrote; the answer must at least be the same every time.
#include <cstdlib>
#define STBI_MALLOC(size) std::calloc(1, size)
#define STBI_REALLOC(old, size) std::realloc(old, size)
#define STBI_FREE(old) std::free(old)
#include <stb/stb_image.h>
#include <stb/stb_image_write.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "base/error.h"
#include "base/files.h"
#include "dataset/bad_file.h"
#include "dataset/image.h"
#include "dataset/picture_file.h"

namespace quantize {
namespace {

ByteView view(const std::string& bytes) { return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}; }

// From gray, gray + alpha, RGB or RGB + alpha (`from` = 1 to 4) to gray or RGB. Alpha is dropped, not blended.
Image convert(const std::uint8_t* pixels, int width, int height, int from, int channels) {
  Image image{width, height, channels, {}};
  const auto count = static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  image.pixels.resize(count * static_cast<std::size_t>(channels));
  std::uint8_t* out = image.pixels.data();
  for (std::size_t i = 0; i < count; ++i, pixels += from, out += channels) {
    if (from < 3) {
      std::fill_n(out, channels, pixels[0]);
    } else if (channels == 3) {
      std::copy_n(pixels, 3, out);
    } else {
      out[0] = luminance(pixels[0], pixels[1], pixels[2]);
    }
  }
  return image;
}

Image decode_with_stb(ByteView bytes, int channels, const std::string& name) {
  if (bytes.size() > std::numeric_limits<int>::max()) bad_file(name, "the file is too large");
  const int size = static_cast<int>(bytes.size());
  int width = 0;
  int height = 0;
  int from = 0;
  if (stbi_info_from_memory(bytes.data(), size, &width, &height, &from) == 0) {
    bad_file(name, std::string("cannot be decoded: ") + stbi_failure_reason());
  }
  check_size(width, height, name);
  const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> pixels(stbi_load_from_memory(bytes.data(), size, &width, &height, &from, 0),
                                                                    &stbi_image_free);
  if (!pixels) bad_file(name, std::string("cannot be decoded: ") + stbi_failure_reason());
  return convert(pixels.get(), width, height, from, channels);
}

}  // namespace

std::size_t decoding_bytes(ByteView bytes, int channels, const std::string& name) {
  constexpr std::uint64_t copies = 3;   // planes or rows, the decoder's pixels, ours: not all at once, but freed ones are not given back
  std::uint64_t values = bytes.size();  // of a PGM or PPM: one byte each, or two
  std::uint64_t sample_size = 1;
  if (check_picture(bytes, name) == PictureKind::pnm) {
    if (bytes[1] == '5') values *= static_cast<std::uint64_t>(channels);
  } else {
    const int size = static_cast<int>(std::min<std::size_t>(bytes.size(), std::numeric_limits<int>::max()));
    int width = 0, height = 0, from = 0;
    if (stbi_info_from_memory(bytes.data(), size, &width, &height, &from) == 0) return bytes.size();
    check_size(width, height, name);
    values = static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(height) * static_cast<std::uint64_t>(std::max(from, channels));
    sample_size = stbi_is_16_bit_from_memory(bytes.data(), size) != 0 ? 2 : 1;
  }
  return bytes.size() + copies * sample_size * values;
}

Image decode_image(std::span<const std::uint8_t> bytes, int channels, const std::string& name) {
  if (channels != 1 && channels != 3) throw Error(ErrorKind::internal, "pictures are decoded to 1 or 3 channels");
  if (check_picture(bytes, name) != PictureKind::pnm) return decode_with_stb(bytes, channels, name);
  Image image = decode_pnm(bytes, name);
  if (image.channels == channels) return image;
  return convert(image.pixels.data(), image.width, image.height, image.channels, channels);
}

Image read_image(const std::filesystem::path& path, int channels) { return decode_image(view(read_file(path)), channels, path.string()); }

PictureSize picture_size(const std::filesystem::path& path) {
  const std::string text = read_file(path), name = path.string();
  const ByteView bytes = view(text);
  if (check_picture(bytes, name) == PictureKind::pnm) {
    const Image image = decode_pnm(bytes, name);
    return {image.width, image.height};
  }
  const int size = static_cast<int>(std::min<std::size_t>(bytes.size(), std::numeric_limits<int>::max()));
  int width = 0, height = 0, channels = 0;
  if (stbi_info_from_memory(bytes.data(), size, &width, &height, &channels) == 0)
    bad_file(name, std::string("cannot be decoded: ") + stbi_failure_reason());
  return {width, height};
}

std::vector<std::uint8_t> encode_png(const Image& image) {
  std::vector<std::uint8_t> bytes;
  const auto append = [](void* target, void* data, int size) {
    const auto* first = static_cast<const std::uint8_t*>(data);
    auto& all = *static_cast<std::vector<std::uint8_t>*>(target);
    all.insert(all.end(), first, first + size);
  };
  const auto needed =
      static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height) * static_cast<std::size_t>(image.channels);
  const bool written = image.pixels.size() == needed && needed != 0 &&
                       stbi_write_png_to_func(append, &bytes, image.width, image.height, image.channels, image.pixels.data(),
                                              image.width * image.channels) != 0;
  if (!written) throw Error(ErrorKind::internal, "a picture could not be encoded as PNG");
  return bytes;
}

std::filesystem::path label_path(const std::filesystem::path& folder, const std::string& stem) { return folder / (stem + ".png"); }

// stb_image turns palette indices into colours. Told that the very same bytes are gray, it leaves them alone: that is all a palette PNG's
// pixels are. Gray pixels of fewer than 8 bits it spreads over 0..255, which the division takes back.
Image read_label(const std::filesystem::path& path) {
  const std::string name = path.string();
  std::string bytes = read_file(path);
  if (check_picture(view(bytes), name) != PictureKind::png) bad_file(name, "a label must be a PNG");
  const auto chunks = png_chunks(view(bytes));
  const int depth = static_cast<unsigned char>(bytes[chunks.front().offset + 8]);
  char& color_type = bytes[chunks.front().offset + 9];
  if (color_type != 0 && color_type != 3) {
    bad_file(name, "a label must be a gray or palette PNG, its pixels are class numbers; this one has colours or alpha");
  }
  if (depth != 1 && depth != 2 && depth != 4 && depth != 8) {
    bad_file(name, "a label must have at most 8 bits per pixel; this one has " + std::to_string(depth));
  }

  color_type = 0;
  for (const auto& chunk : chunks) {  // a palette's transparency is not a gray picture's; a chunk of an unknown name is skipped
    if (chunk.type == "tRNS") bytes[chunk.offset - 1] = 's';
  }
  Image label = decode_with_stb(view(bytes), 1, name);
  const int step = 255 / ((1 << depth) - 1);
  for (auto& pixel : label.pixels) pixel = static_cast<std::uint8_t>(pixel / step);
  return label;
}

}  // namespace quantize
