// What a model wants to be fed, as its file says it.
#include "pipeline/open_samples.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "dataset/image.h"
#include "support/folder_test.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

TEST(InputSpecs, AreThoseOfInputsThatNoInitializerFills) {
  const Model model = text_model("g (float[n,3,h,w] x, uint8[2] size) => (float[n,3,h,w] y) <float[1] w = {2}> { y = Mul (x, w) }");
  Model old = model;  // before IR 4 every initializer was an input, too
  old.graph().add_input()->set_name("w");
  for (const Model* one : std::initializer_list<const Model*>{&model, &old}) {
    const auto specs = input_specs(one->graph(), {});
    ASSERT_EQ(specs.size(), 2U);
    EXPECT_EQ(specs[0].name, "x");
    EXPECT_EQ(specs[0].type, onnx::TensorProto::FLOAT);
    EXPECT_EQ(specs[0].shape, (Shape{-1, 3, -1, -1}));
    EXPECT_EQ(specs[1].type, onnx::TensorProto::UINT8);
    EXPECT_EQ(specs[1].shape, Shape{2});
  }
}

TEST(InputSpecs, FreeDimensionsAreFilledIn) {
  const Model model = text_model("g (float[n,3,h,w] x) => (float[n,3,h,w] y) { y = Relu (x) }");
  EXPECT_EQ(input_specs(model.graph(), {1, 3, 8, 16})[0].shape, (Shape{1, 3, 8, 16}));
  EXPECT_THROW(input_specs(model.graph(), {1, 3, 8}), Error) << "another rank";
  EXPECT_THROW(input_specs(model.graph(), {1, 4, 8, 16}), Error) << "another number of channels";
}

class OpenSamplesTest : public FolderTest {
 protected:
  void draw(const std::string& name, std::uint8_t value) const {
    const auto png = encode_png({4, 4, 3, std::vector<std::uint8_t>(48, value)});
    write(name, {reinterpret_cast<const char*>(png.data()), png.size()});
  }
  // Of `count` x 3 floats, all 0.
  void write_tensor(const std::string& name, std::int64_t count) const {
    std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(count) + ", 3), }";
    header.resize(117, ' ');  // with the ten bytes in front of it and the end of the line, 128
    write(name, std::string("\x93NUMPY\x01\x00\x76\x00", 10) + header + '\n' + std::string(static_cast<std::size_t>(count) * 12, '\0'));
  }
  [[nodiscard]] std::vector<std::string> warnings() const {
    Context context;
    (void)open_samples(options, {{"x", onnx::TensorProto::FLOAT, {1, 3, 4, 4}}}, Preprocess::named("raw"), context);
    return context.warnings();
  }

  Options options;
};

// Those that are held out do not calibrate.
TEST_F(OpenSamplesTest, WarnsOfFewUnlessTheyWereAskedFor) {
  options.calibration = folder / "calib";
  for (int i = 0; i < 8; ++i) draw("calib/" + std::to_string(i) + ".png", static_cast<std::uint8_t>(i));
  EXPECT_TRUE(warnings().empty()) << "six of eight calibrate";
  for (const char* name : {"calib/5.png", "calib/6.png", "calib/7.png"}) std::filesystem::remove(folder / name);
  ASSERT_EQ(warnings().size(), 1U);
  EXPECT_NE(warnings()[0].find("calib gives only 4 samples to calibrate on"), std::string::npos);
  options.samples = 4;
  EXPECT_TRUE(warnings().empty());
}

TEST_F(OpenSamplesTest, CountsWhatABatchHolds) {
  options.calibration = folder / "calib";
  const auto said = [&](std::int64_t batch, std::int64_t held) {
    for (const char* name : {"a.npy", "b.npy", "c.npy"}) write_tensor(std::string("calib/") + name, held);
    Context context;
    (void)open_samples(options, {{"x", onnx::TensorProto::FLOAT, {batch, 3}}}, {}, context);
    return context.warnings();
  };
  EXPECT_TRUE(said(3, 3).empty()) << "six items in two files, beside the one that is held out";
  ASSERT_EQ(said(2, 2).size(), 1U);
  EXPECT_NE(said(2, 2)[0].find("gives only 4 samples"), std::string::npos);
  ASSERT_EQ(said(4, 1).size(), 1U);
  EXPECT_NE(said(4, 1)[0].find("gives only 2 samples"), std::string::npos) << "each is repeated";
}

TEST_F(OpenSamplesTest, WarnsOfTestImagesThatAreCalibratedOn) {
  options.calibration = folder / "calib";
  options.test = folder / "test";
  for (int i = 0; i < 8; ++i) draw("calib/" + std::to_string(i) + ".png", static_cast<std::uint8_t>(i));
  draw("test/new.png", 200);
  EXPECT_TRUE(warnings().empty());
  draw("test/other.png", 5);  // by another name
  ASSERT_EQ(warnings().size(), 1U);
  EXPECT_EQ(warnings()[0].find("1 of the 2 test images are calibrated on as well, the first: 'other'"), 0U);
}

TEST_F(OpenSamplesTest, WarnsOnceOfWhatIsPassedOver) {
  options.calibration = folder / "calib";
  for (int i = 0; i < 8; ++i) draw("calib/" + std::to_string(i) + ".png", static_cast<std::uint8_t>(i));
  for (const char* name : {"calib/b.webp", "calib/c.webp"}) write(name, "");
  ASSERT_EQ(warnings().size(), 1U);
  EXPECT_NE(warnings()[0].find("skipped 2 files in"), std::string::npos);
  EXPECT_NE(warnings()[0].find("b.webp"), std::string::npos);
  options.strict = true;
  EXPECT_THROW(warnings(), Error);
}

using BothFormsTest = FolderTest;

// Pictures of several sizes for a model that takes any: calibration may begin with another one than the test pictures.
TEST_F(BothFormsTest, AreOfTheSamePicture) {
  for (const auto& [name, width, height] : {std::tuple("a.png", 8, 4), {"b.png", 2, 6}}) {
    const auto png = encode_png({width, height, 3, std::vector<std::uint8_t>(static_cast<std::size_t>(width) * height * 3, 51)});
    write(name, {reinterpret_cast<const char*>(png.data()), png.size()});
  }
  const std::vector<InputSpec> floats = {{"x", onnx::TensorProto::FLOAT, {-1, 3, -1, -1}}},
                               camera = {{"x", onnx::TensorProto::UINT8, {-1, -1, -1, 3}}};
  const auto images = SampleSource::open(folder, camera, Preprocess::named("raw"));
  const auto [file, fed] = sample_in_both_forms(images, floats, Preprocess::named("unit"), camera);
  EXPECT_EQ(file.at(0).shape, (Shape{1, 3, 4, 8}));
  EXPECT_EQ(fed.at(0).shape, (Shape{1, 4, 8, 3}));
  EXPECT_EQ(file[0].as<float>()[0], 51 * (1.0F / 255));
  EXPECT_EQ(fed[0].as<std::uint8_t>()[0], 51);
}

TEST_F(BothFormsTest, AreNoiseWhereThereAreNoPictures) {
  const std::vector<InputSpec> floats = {{"x", onnx::TensorProto::FLOAT, {1, 3, 2, 2}}},
                               bytes = {{"x", onnx::TensorProto::UINT8, {1, 3, 2, 2}}};
  const auto [file, fed] = sample_in_both_forms({}, floats, {}, bytes);
  EXPECT_EQ(file.at(0).type, onnx::TensorProto::FLOAT);
  EXPECT_EQ(fed.at(0).type, onnx::TensorProto::UINT8);
}

}  // namespace
}  // namespace quantize::test
