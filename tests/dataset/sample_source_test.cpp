#include "dataset/sample_source.h"

#include <limits>

#include "dataset/golden.h"

namespace quantize {
namespace {

using Proto = onnx::TensorProto;
using Stems = std::vector<std::string>;

const InputSpec picture_input{"image", Proto::FLOAT, {-1, 3, 5, 7}};
const InputSpec array_input{"values", Proto::FLOAT, {1, 2, 3}};

Stems stems(const SampleSource& source) {
  Stems result;
  for (std::size_t i = 0; i < source.size(); ++i) result.push_back(source.file(i).stem);
  return result;
}

class SampleSourceTest : public GoldenTest {
 protected:
  [[nodiscard]] SampleSource open(const std::vector<InputSpec>& inputs = {picture_input}) const {
    return SampleSource::open(folder, inputs, Preprocess{});
  }
  [[nodiscard]] std::string open_error(const std::vector<InputSpec>& inputs = {picture_input}) const {
    return error_text([&] { (void)open(inputs); });
  }
  [[nodiscard]] SampleSource numbered(int count) const {
    for (int i = 0; i < count; ++i) write(std::to_string(100 + i) + ".png", "");
    return open();
  }
};

TEST_F(SampleSourceTest, ListsPicturesByName) {
  for (const char* name : {"c.png", "a.JPG", "b.jpeg", "d.bmp", "e.ppm", "f.pgm", "notes.txt", ".hidden.png", "below/g.png"}) {
    write(name, "");
  }
  EXPECT_EQ(stems(open()), (Stems{"a", "b", "c", "d", "e", "f"}));
  EXPECT_EQ(open().inputs()[0].name, "image");
}

TEST_F(SampleSourceTest, LoadsAPictureAsToInputDoes) {
  copy("rgb.png", "a.png");
  const Sample sample = open().load(0);
  EXPECT_EQ(sample.stem, "a");
  ASSERT_EQ(sample.inputs.size(), 1U);
  EXPECT_EQ(sample.inputs[0].bytes, to_input(read_image(golden("rgb.png"), 3), picture_input.shape, Proto::FLOAT, Preprocess{}).bytes);
}

TEST_F(SampleSourceTest, LoadsGrayPicturesForGrayModels) {
  copy("rgb.png", "a.png");
  auto gray = Preprocess::named("raw");
  gray.color = ColorOrder::gray;
  const auto source = SampleSource::open(folder, {{"image", Proto::UINT8, {-1, -1, -1, 1}}}, gray);
  const Tensor tensor = source.load(0).inputs[0];
  EXPECT_EQ(tensor.shape, (Shape{1, 9, 13, 1}));
  EXPECT_EQ(tensor.bytes, read_npy(golden("rgb.png.gray.npy")).bytes);
}

TEST_F(SampleSourceTest, LoadsArrays) {
  copy("array_f8.npy", "a.NPY");
  const Tensor tensor = open({array_input}).load(0).inputs[0];
  EXPECT_EQ(tensor.type, Proto::FLOAT);
  EXPECT_EQ(tensor.shape, (Shape{1, 2, 3}));
  EXPECT_EQ(tensor.as<float>()[5], 127);
}

TEST_F(SampleSourceTest, NamesTheFileThatDoesNotFit) {
  copy("array_i4.npy", "a.npy");
  expect_in("a.npy: holds int32 values, the model's input takes float", error_text([&] { (void)open({array_input}).load(0); }));
  std::filesystem::remove(folder / "a.npy");
  copy("rgb.png", "b.png");
  const std::string text = error_text([&] { (void)open({{"image", Proto::FLOAT, {1, 4, 8, 8}}}).load(0); });
  expect_in("b.png for the model input 'image': ", text);
  expect_in("1x4x8x8", text);
}

TEST_F(SampleSourceTest, RefusesUnusableFolders) {
  expect_in("holds no pictures", open_error());
  write("notes.txt", "");
  expect_in("holds no pictures", open_error());
  write("a.png", "");
  write("b.npy", "");
  expect_in("mixes pictures and .npy files", open_error());
  const auto file = write("file", "");
  expect_in("file is a file, not a folder", error_text([&] { (void)SampleSource::open(file, {picture_input}, {}); }));
  expect_in("there is no folder", error_text([&] { (void)SampleSource::open(folder / "none", {picture_input}, {}); }));
}

TEST_F(SampleSourceTest, TellsWhereBelowThePicturesAre) {
  write("city/berlin/notes.txt", "");
  EXPECT_EQ(open_error().find("there are some in"), std::string::npos);
  write("city/.hidden/a.png", "");
  std::filesystem::create_directory_symlink(folder, folder / "city/again");  // leads back to where it is
  EXPECT_EQ(open_error().find("there are some in"), std::string::npos);
  write("city/zagreb/a.png", "");
  expect_in("there are some in " + (folder / "city/zagreb").string() + ", but sub-folders are not searched", open_error());
}

TEST_F(SampleSourceTest, TellsWhatItPassedOver) {
  for (const char* name : {"b.webp", "c.TIFF", "notes.txt", ".hidden.webp", "below.gif/d.png"}) write(name, "");
  std::filesystem::create_symlink("nowhere.png", folder / "e.png");
  const auto refusal = open_error();
  expect_in("holds no pictures", refusal);
  expect_in("b.webp: .webp pictures are not read; convert it to JPEG or PNG", refusal);
  write("a.png", "");
  ASSERT_EQ(open().passed_over().size(), 3U);
  expect_in("c.TIFF: .tiff pictures", open().passed_over()[1]);
  expect_in("e.png: a link that leads nowhere", open().passed_over()[2]);
  EXPECT_EQ(stems(open()), Stems{"a"});
}

TEST_F(SampleSourceTest, PicturesBesideTensorsAreNoDataThatWasPassedOver) {
  for (const char* name : {"a.npy", "a.tif", "b.gif"}) write(name, "");
  std::filesystem::create_symlink("nowhere.npy", folder / "c.npy");
  const auto source = open({array_input});
  ASSERT_EQ(source.passed_over().size(), 1U);
  expect_in("c.npy: a link that leads nowhere", source.passed_over()[0]);
}

TEST_F(SampleSourceTest, KnowsPicturesFromTensors) {
  copy("rgb.png", "image/a.png");
  copy("array_f4.npy", "values/a.npy");
  EXPECT_TRUE(SampleSource::open(folder / "image", {picture_input}, {}).holds_pictures());
  EXPECT_FALSE(SampleSource::open(folder / "values", {array_input}, {}).holds_pictures());
  EXPECT_TRUE(SampleSource::open("random", {picture_input}, {}).holds_pictures());
  EXPECT_FALSE(SampleSource::open("random", {{"x", Proto::FLOAT, {1, 7, 4, 4}}}, {}).holds_pictures());
}

TEST_F(SampleSourceTest, PairsSubFoldersOfSeveralInputs) {
  copy("rgb.png", "image/b.png");
  copy("rgb.ppm", "image/a.ppm");
  copy("array_f4.npy", "values/a.npy");
  copy("array_f2.npy", "values/b.npy");
  const auto source = open({picture_input, array_input});
  EXPECT_EQ(stems(source), (Stems{"a", "b"}));
  const Sample sample = source.load(1);
  ASSERT_EQ(sample.inputs.size(), 2U);
  EXPECT_EQ(sample.inputs[0].shape, (Shape{1, 3, 5, 7}));
  EXPECT_EQ(sample.inputs[1].shape, (Shape{1, 2, 3}));
}

TEST_F(SampleSourceTest, RefusesSubFoldersThatDoNotPair) {
  write("image/a.png", "");
  write("image/b.png", "");
  expect_in("the model has 2 inputs (image, values): put one sub-folder per input into", open_error({picture_input, array_input}));
  write("values/a.npy", "");
  expect_in("b.png has no partner", open_error({picture_input, array_input}));
  write("values/c.npy", "");
  expect_in("c.npy has no partner", open_error({picture_input, array_input}));
  std::filesystem::rename(folder / "values/c.npy", folder / "values/b.npy");
  EXPECT_EQ(open({picture_input, array_input}).size(), 2U);
}

TEST_F(SampleSourceTest, PicksEvenly) {
  const auto source = numbered(10);
  EXPECT_EQ(stems(source.evenly(5)), (Stems{"101", "103", "105", "107", "109"}));
  EXPECT_EQ(stems(source.evenly(1)), (Stems{"105"}));
  EXPECT_EQ(stems(source.evenly(3)), (Stems{"101", "105", "108"}));
  EXPECT_EQ(source.evenly(10).size(), 10U);
  EXPECT_EQ(source.evenly(1000).size(), 10U);
  EXPECT_EQ(source.evenly(0).size(), 0U);
}

TEST_F(SampleSourceTest, HoldsSomeOut) {
  const auto source = numbered(10);
  const auto [rest, held_out] = source.hold_out(0.2);
  EXPECT_EQ(stems(held_out), (Stems{"102", "107"}));
  EXPECT_EQ(stems(rest), (Stems{"100", "101", "103", "104", "105", "106", "108", "109"}));
  EXPECT_EQ(source.hold_out(0.0).second.size(), 1U);
  EXPECT_EQ(source.hold_out(-1).second.size(), 1U);
  EXPECT_EQ(source.hold_out(std::numeric_limits<double>::quiet_NaN()).second.size(), 1U);
  EXPECT_EQ(source.hold_out(7).second.size(), 9U);
  expect_in("at least two items", error_text([&] { (void)source.evenly(1).hold_out(0.5); }));
}

TEST_F(SampleSourceTest, KeepsWhatTheModelIsShownOfLargerPictures) {
  for (const char* name : {"a.png", "b.png", "c.png"}) copy("rgb.png", name);  // 13x9
  constexpr std::size_t each = 3 * 5 * 7;
  for (const auto mode : {ResizeMode::stretch, ResizeMode::letterbox, ResizeMode::crop}) {
    Preprocess preprocess;
    preprocess.resize = mode;
    const auto plain = SampleSource::open(folder, {picture_input}, preprocess);
    const auto kept = plain.readable({}, {}, std::numeric_limits<std::size_t>::max(), 2 * each + 1);
    EXPECT_EQ(plain.shown_bytes(), 0U);
    EXPECT_EQ(kept.shown_bytes(), 2 * each) << "as many as there is room for, the first";
    EXPECT_EQ(kept.shard(0, 2).shown_bytes(), each);
    EXPECT_EQ(kept.loading_bytes(), kept.reading_bytes()) << "c.png is read again";
    const auto all = plain.readable({}, {}, std::numeric_limits<std::size_t>::max(), 3 * each);
    EXPECT_EQ(all.loading_bytes(), 0U);
    EXPECT_GT(all.reading_bytes(), 0U);
    for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(kept.load(i).inputs[0].bytes, plain.load(i).inputs[0].bytes);
    const InputSpec pixels{"image", Proto::UINT8, {1, 5, 7, 3}}, large{"image", Proto::FLOAT, {1, 3, 6, 8}};
    auto raw = Preprocess::named("raw");
    raw.resize = mode;
    raw.color = ColorOrder::bgr;
    EXPECT_EQ(kept.with_inputs({pixels}, raw).load(0).inputs[0].bytes, plain.with_inputs({pixels}, raw).load(0).inputs[0].bytes);
    EXPECT_EQ(kept.with_inputs({large}, raw).load(0).inputs[0].bytes, plain.with_inputs({large}, raw).load(0).inputs[0].bytes);
    raw.resize = mode == ResizeMode::crop ? ResizeMode::stretch : ResizeMode::crop;
    EXPECT_EQ(kept.with_inputs({pixels}, raw).load(0).inputs[0].bytes, plain.with_inputs({pixels}, raw).load(0).inputs[0].bytes);
  }
  std::filesystem::remove(folder / "a.png");
  EXPECT_NO_THROW((void)open().readable({}, {}, std::numeric_limits<std::size_t>::max(), each).load(0));
}

TEST_F(SampleSourceTest, KeepsNoPictureThatIsNotLarger) {
  copy("rgb.png", "a.png");
  const std::size_t plenty = 1U << 20, everything = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(open({{"image", Proto::FLOAT, {1, 3, 9, 13}}}).readable({}, {}, everything, plenty).shown_bytes(), 0U);
  EXPECT_EQ(open({{"image", Proto::FLOAT, {1, 3, -1, -1}}}).readable({}, {}, everything, plenty).shown_bytes(), 0U);
}

TEST_F(SampleSourceTest, SkipsUnreadableFilesAndTellsEach) {
  copy("rgb.png", "a.png");
  write("b.png", "");
  write("c.jpg", "this is text");
  write("d.png", read_file(golden("rgb.png")).substr(0, 100));
  copy("baseline.jpg", "e.jpg");
  std::vector<std::string> reasons;
  Context several;
  several.threads = 3;
  const auto source = open().readable([&](const std::string& reason) { reasons.push_back(reason); }, several);
  EXPECT_EQ(stems(source), (Stems{"a", "e"}));
  ASSERT_EQ(reasons.size(), 3U);
  expect_in("b.png: the file is empty", reasons[0]);
  expect_in("c.jpg: not a JPEG", reasons[1]);
  expect_in("d.png: the PNG file is cut off", reasons[2]);
}

TEST_F(SampleSourceTest, ReadsOneFileAtATimeWhereThereIsRoomForNoMore) {
  for (const char* name : {"a.png", "b.png", "c.png", "d.png"}) copy("rgb.png", name);
  Context several;
  several.threads = 4;
  const auto source = open().readable([](const std::string&) { FAIL(); }, several, 1);
  EXPECT_EQ(source.size(), 4U);
  const std::string bytes = read_file(golden("rgb.png"));
  EXPECT_EQ(source.reading_bytes(), decoding_bytes(byte_view(bytes), 3, "a.png"));
  EXPECT_EQ(source.evenly(2).reading_bytes(), source.reading_bytes());
  EXPECT_EQ(open().reading_bytes(), 0U) << "nothing was read yet";
}

TEST_F(SampleSourceTest, RefusesFoldersWithNothingReadable) {
  const auto source = numbered(3);
  const std::string text = error_text([&] { (void)source.readable([](const std::string&) {}); });
  expect_in("none of the 3 items can be read", text);
  expect_in("100.png: the file is empty", text);
}

TEST_F(SampleSourceTest, HasAFingerprintOfNamesBytesAndSettings) {
  copy("rgb.png", "a.png");
  copy("gray.png", "b.png");
  const std::string print = open().fingerprint();
  EXPECT_EQ(print.size(), 32U);
  EXPECT_EQ(open().fingerprint(), print);
  auto other = Preprocess{};
  other.std[0] += 1e-7F;
  EXPECT_NE(SampleSource::open(folder, {picture_input}, other).fingerprint(), print);
  std::filesystem::rename(folder / "b.png", folder / "c.png");
  EXPECT_NE(open().fingerprint(), print);
  std::filesystem::rename(folder / "c.png", folder / "b.png");
  EXPECT_EQ(open().fingerprint(), print);
  copy("rgb.bmp", "b.png");
  EXPECT_NE(open().fingerprint(), print);
}

TEST_F(SampleSourceTest, InputsThatNoFileHoldsAreNamed) {
  write("a.npy", "");
  for (const auto type : {Proto::STRING, Proto::INT4, Proto::FLOAT8E5M2, Proto::UNDEFINED}) {
    try {
      (void)open({{"odd", type, {1}}});
      ADD_FAILURE() << type;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::model);
      expect_in("'odd'", error.what());
    }
  }
}

}  // namespace
}  // namespace quantize
