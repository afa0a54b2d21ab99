#include "dataset/golden.h"
#include "dataset/picture_file.h"

namespace quantize {
namespace {

struct Format {
  const char* name;
  int tolerance;  // 0 for lossless formats; decoders of JPEG may differ from each other by rounding, and by the way they enlarge colour
                  // planes
};

class Formats : public testing::TestWithParam<Format> {};

TEST_P(Formats, AreReadAsPillowReadsThem) {
  const auto [name, tolerance] = GetParam();
  EXPECT_LE(difference(read_image(golden(name), 3), std::string(name) + ".rgb.npy"), tolerance);
  EXPECT_LE(difference(read_image(golden(name), 1), std::string(name) + ".gray.npy"), tolerance);
}

INSTANTIATE_TEST_SUITE_P(Golden, Formats,
                         testing::Values(Format{"rgb.png", 0}, Format{"gray.png", 0}, Format{"rgba.png", 0}, Format{"gray_alpha.png", 0},
                                         Format{"bilevel.png", 0}, Format{"colors.png", 0}, Format{"rgb.bmp", 0}, Format{"gray.bmp", 0},
                                         Format{"rgb.ppm", 0}, Format{"gray.pgm", 0}, Format{"baseline.jpg", 3}, Format{"gray.jpg", 2},
                                         Format{"progressive.jpg", 6}),
                         [](const auto& test) {
                           std::string name = test.param.name;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST(ReadImage, KeepsTheHighByteOf16Bits) {
  EXPECT_EQ(difference(read_image(golden("gray16.png"), 1), "gray16.high.npy"), 0);
  EXPECT_EQ(difference(read_image(golden("gray16.pgm"), 1), "gray16.high.npy"), 0);
}

TEST(ReadImage, WeighsColorsAsPillowDoes) {
  const std::string ppm("P6 4 1 255\n\xFF\x00\x00\x00\xFF\x00\x00\x00\xFF\x0A\x14\x1E", 23);
  const Image gray = decode_image(byte_view(ppm), 1, "colors.ppm");
  EXPECT_EQ(gray.pixels, (std::vector<std::uint8_t>{76, 150, 29, 18}));
}

TEST(ReadImage, ScalesNetpbmSamplesToBytes) {
  const std::string pgm("P5\n# made by hand\n3 1 # comment\n3\n\x00\x01\x03", 37);
  EXPECT_EQ(decode_image(byte_view(pgm), 1, "three.pgm").pixels, (std::vector<std::uint8_t>{0, 85, 255}));
}

TEST(ReadImage, GoesByTheContentNotTheEnding) {
  const std::string bytes = read_file(golden("rgb.bmp"));
  EXPECT_EQ(difference(decode_image(byte_view(bytes), 3, "really_a_bmp.jpg"), "rgb.bmp.rgb.npy"), 0);
}

// All that is alive at once while a picture is decoded, and not much more.
TEST(DecodingBytes, FollowFromTheHeadOfThePicture) {
  for (const char* name : {"rgb.png", "rgba.png", "gray.png", "rgb.bmp", "rgb.ppm", "gray.pgm", "baseline.jpg", "progressive.jpg"}) {
    const std::string bytes = read_file(golden(name));
    const std::size_t pixels = decode_image(byte_view(bytes), 3, name).pixels.size(), needed = decoding_bytes(byte_view(bytes), 3, name);
    EXPECT_GE(needed, bytes.size() + 2 * pixels) << name;
    EXPECT_LE(needed, bytes.size() + 4 * std::max(pixels, bytes.size())) << name;
  }
}

TEST(DecodingBytes, RefuseWhatIsDamagedAsDecodingDoes) {
  const std::string cut = read_file(golden("rgb.png")).substr(0, 100);
  expect_in("cut.png: the PNG file is cut off", error_text([&] { decoding_bytes(byte_view(cut), 3, "cut.png"); }));
}

TEST(EncodePng, IsReadBackUnchanged) {
  for (const int channels : {1, 3}) {
    const Image image = read_image(golden("rgb.png"), channels);
    const auto bytes = encode_png(image);
    EXPECT_EQ(decode_image(bytes, channels, "encoded.png").pixels, image.pixels);
  }
  error_text([] { encode_png(Image{2, 2, 3, {}}); }, ErrorKind::internal);
}

TEST(ReadImage, NamesAMissingFile) {
  expect_in("no_such.png", error_text([] { read_image("no_such.png", 3); }));
}

TEST(ReadImage, RefusesOtherFiles) {
  const auto reason = [](std::string_view bytes) { return error_text([&] { decode_image(byte_view(bytes), 3, "x.jpg"); }); };
  EXPECT_EQ(reason(""), "x.jpg: the file is empty");
  expect_in("x.jpg: not a JPEG", reason("Dear diary"));
  expect_in("x.jpg: not a JPEG", reason("GIF89a"));
  expect_in("x.jpg: not a JPEG", reason("\xFF"));
}

// Cut off anywhere, every format must say so: a decoder would silently fill the missing rows.
TEST(ReadImage, RefusesTruncatedFiles) {
  const std::pair<const char*, std::size_t> files[] = {{"rgb.png", 0}, {"gray_alpha.png", 0}, {"rgb.bmp", 1},      {"gray.bmp", 3},
                                                       {"rgb.ppm", 0}, {"gray16.pgm", 0},     {"baseline.jpg", 0}, {"progressive.jpg", 0}};
  for (const auto& [name, padding] : files) {  // without the padding of its last row a BMP is still whole
    const std::string bytes = read_file(golden(name));
    for (std::size_t size = 1; size < bytes.size() - padding; ++size) {
      const std::string_view cut(bytes.data(), size);
      EXPECT_THROW(decode_image(byte_view(cut), 3, name), Error) << name << " cut to " << size << " of " << bytes.size();
    }
  }
}

TEST(ReadImage, SaysThatAFileIsCutOff) {
  for (const char* name : {"rgb.png", "rgb.bmp", "rgb.ppm", "baseline.jpg"}) {
    std::string bytes = read_file(golden(name));
    bytes.resize(bytes.size() * 3 / 4);
    const std::string text = error_text([&] { decode_image(byte_view(bytes), 3, name); });
    expect_in(std::string(name) + ": the ", text);
    expect_in("file is cut off", text);
  }
}

TEST(ReadImage, RefusesDamagedPng) {
  std::string bytes = read_file(golden("rgb.png"));
  bytes[bytes.size() / 2] = static_cast<char>(~bytes[bytes.size() / 2]);
  expect_in("damaged (checksum of its IDAT chunk)", error_text([&] { decode_image(byte_view(bytes), 3, "bad.png"); }));
}

// Found by tests/fuzz/image_fuzz: stb_image 2.27 wrote past its table.
TEST(ReadImage, RefusesJpegWithTooManyHuffmanCodes) {
  std::string bytes = read_file(golden("baseline.jpg"));
  const auto table = bytes.find("\xFF\xC4");
  ASSERT_NE(table, std::string::npos);
  bytes[table + 5] = '\xFF';
  bytes[table + 6] = '\xFF';
  expect_in("bad.jpg: the JPEG file is damaged", error_text([&] { decode_image(byte_view(bytes), 3, "bad.jpg"); }));
}

TEST(ReadImage, RefusesJpegWhoseScansUseTablesThatAreNotThere) {
  for (const char* name : {"baseline.jpg", "progressive.jpg"}) {
    std::string bytes = read_file(golden(name));
    const auto table = bytes.find("\xFF\xC4");
    ASSERT_NE(table, std::string::npos);
    bytes[table + 4] = static_cast<char>(bytes[table + 4] | 3);  // another number
    expect_in("bad.jpg: the JPEG file is damaged", error_text([&] { decode_image(byte_view(bytes), 3, "bad.jpg"); }));
  }
}

TEST(ReadImage, RefusesPixelBombsBeforeAllocating) {
  expect_in("too large (500000x500000", error_text([] { decode_image(byte_view("P6 500000 500000 255\n"), 3, "bomb.ppm"); }));
  std::string png = read_file(golden("rgb.png"));
  png.replace(16, 8, std::string("\0\1\0\0\0\1\0\0", 8));  // 65536 x 65536, with the right checksum
  const std::uint32_t checksum = png_checksum(byte_view(png).subspan(12, 17));
  for (std::size_t i = 0; i < 4; ++i) png[29 + i] = static_cast<char>(checksum >> (24 - 8 * i));
  expect_in("bomb.png: the picture is too large (65536x65536", error_text([&] { decode_image(byte_view(png), 3, "bomb.png"); }));
}

TEST(ReadImage, RefusesEmptyPictures) {
  expect_in("empty (0x3)", error_text([] { decode_image(byte_view("P6 0 3 255\n"), 3, "none.ppm"); }));
}

TEST(PngChecksum, IsTheStandardsOwnExample) {
  EXPECT_EQ(png_checksum(byte_view("IEND")), 0xAE426082U);  // the last four bytes of every PNG
  EXPECT_EQ(png_checksum(byte_view("123456789")), 0xCBF43926U);
}

}  // namespace
}  // namespace quantize
