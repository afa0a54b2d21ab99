#include "dataset/preprocess.h"

#include <limits>

#include "dataset/golden.h"

namespace quantize {
namespace {

using Proto = onnx::TensorProto;

// Two pixels: (1, 2, 3) and (4, 5, 6).
const Image two_pixels{2, 1, 3, {1, 2, 3, 4, 5, 6}};

Preprocess raw() { return Preprocess::named("raw"); }

std::vector<float> values(const Tensor& tensor) { return float_values(to_proto("", tensor)); }

TEST(PreprocessNamed, KnowsFourOfThem) {
  EXPECT_FLOAT_EQ(Preprocess::named("imagenet").mean[2], 0.406F);
  EXPECT_FLOAT_EQ(Preprocess::named("unit").scale, 1 / 255.0F);
  EXPECT_EQ(Preprocess::named("raw").scale, 1.0F);
  const Image gray{3, 1, 1, {0, 51, 255}};
  auto signed_range = Preprocess::named("signed");
  signed_range.color = ColorOrder::gray;
  const auto result = values(to_input(gray, {1, 1, 1, 3}, Proto::FLOAT, signed_range));
  EXPECT_NEAR(result[0], -1, 1e-6);
  EXPECT_NEAR(result[1], -0.6, 1e-6);
  EXPECT_NEAR(result[2], 1, 1e-6);
  expect_in("imagenet, unit, signed, raw", error_text([] { Preprocess::named("Imagenet"); }, ErrorKind::usage));
}

TEST(ToInput, EqualsNumPysImageNetInput) {
  const Tensor expected = read_npy(golden("imagenet_7x5.npy"));
  const Tensor result = to_input(read_image(golden("rgb.png"), 3), {1, 3, 5, 7}, Proto::FLOAT, Preprocess{});
  ASSERT_EQ(result.shape, expected.shape);
  for (std::size_t i = 0; i < result.as<float>().size(); ++i) EXPECT_NEAR(result.as<float>()[i], expected.as<float>()[i], 1e-6) << i;
}

TEST(ToInput, LaysOutChannels) {
  const std::vector<float> planes = {1, 4, 2, 5, 3, 6};
  const std::vector<float> pixels = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(values(to_input(two_pixels, {1, 3, 1, 2}, Proto::FLOAT, raw())), planes);
  EXPECT_EQ(values(to_input(two_pixels, {1, 1, 2, 3}, Proto::FLOAT,
                            [] {
                              auto nhwc = raw();
                              nhwc.layout = Layout::nhwc;
                              return nhwc;
                            }())),
            pixels);
  EXPECT_EQ(values(to_input(two_pixels, {1, -1, -1, 3}, Proto::FLOAT, raw())), pixels);
  EXPECT_EQ(values(to_input(two_pixels, {3, 1, 2}, Proto::FLOAT, raw())), planes);
}

TEST(ToInput, SwapsColorsBeforeMeanAndStd) {
  auto bgr = raw();
  bgr.color = ColorOrder::bgr;
  bgr.mean = {1, 0, 0};
  bgr.std = {2, 1, 1};
  EXPECT_EQ(values(to_input(two_pixels, {1, 3, 1, 2}, Proto::FLOAT, bgr)), (std::vector<float>{1, 2.5, 2, 5, 1, 4}));
}

TEST(ToInput, FillsFreeDimensionsFromThePicture) {
  EXPECT_EQ(to_input(two_pixels, {-1, -1, -1, -1}, Proto::FLOAT, raw()).shape, (Shape{1, 3, 1, 2}));
  EXPECT_EQ(to_input(two_pixels, {-1, 3, 4, -1}, Proto::FLOAT, raw()).shape, (Shape{1, 3, 4, 2}));
}

TEST(ToInput, RepeatsThePictureInAFixedBatch) {
  const Tensor tensor = to_input(two_pixels, {2, 3, 1, 2}, Proto::FLOAT, raw());
  EXPECT_EQ(tensor.shape, (Shape{2, 3, 1, 2}));
  EXPECT_EQ(values(tensor), (std::vector<float>{1, 4, 2, 5, 3, 6, 1, 4, 2, 5, 3, 6}));
}

TEST(ToInput, StoresTheModelsType) {
  for (const auto type : {Proto::FLOAT16, Proto::BFLOAT16, Proto::DOUBLE, Proto::UINT8}) {
    const Tensor tensor = to_input(two_pixels, {1, 3, 1, 2}, type, raw());
    EXPECT_EQ(tensor.type, type);
    EXPECT_EQ(values(tensor), (std::vector<float>{1, 4, 2, 5, 3, 6})) << type_name(type);
  }
  expect_in("'raw'", error_text([] { to_input(two_pixels, {1, 3, 1, 2}, Proto::UINT8, Preprocess{}); }));
  expect_in("int64", error_text([] { to_input(two_pixels, {1, 3, 1, 2}, Proto::INT64, raw()); }));
}

TEST(ToInput, RefusesShapesThatHoldNoPicture) {
  const auto reason = [](const Shape& shape) { return error_text([&] { to_input(two_pixels, shape, Proto::FLOAT, raw()); }); };
  expect_in("3 or 4 dimensions", reason({1, 3}));
  expect_in("3 or 4 dimensions", reason({1, 1, 3, 1, 2}));
  expect_in("it has 1 channels where the picture has 3", reason({1, 1, 8, 8}));
  expect_in("it has 4 channels", reason({1, 4, 8, 8}));
  expect_in("empty", reason({1, 3, 0, 8}));
  expect_in("batch is empty", reason({0, 3, 8, 8}));
  expect_in("too large", reason({1, 3, 100000, 100000}));
  expect_in("too many", reason({1000000000, 3, 1, 1}));
}

TEST(ToInput, RefusesWrongSettings) {
  const auto reason = [](auto change) {
    auto settings = raw();
    change(settings);
    return error_text([&] { to_input(two_pixels, {1, 3, 1, 2}, Proto::FLOAT, settings); }, ErrorKind::usage);
  };
  expect_in("mean has 2 values", reason([](Preprocess& p) { p.mean = {1, 2}; }));
  expect_in("std is 0", reason([](Preprocess& p) { p.std = {1, 0, 1}; }));
  expect_in("std is not a finite number", reason([](Preprocess& p) { p.std = {std::numeric_limits<float>::quiet_NaN()}; }));
  expect_in("infinity", reason([](Preprocess& p) { p.scale = 3e38F; }));
}

TEST(ChannelsLast, DecidesByTheShapeAndWhenInDoubtForPlanes) {
  EXPECT_FALSE(channels_last({1, 3, 8, 8}, Layout::automatic));
  EXPECT_TRUE(channels_last({1, 8, 8, 3}, Layout::automatic));
  EXPECT_TRUE(channels_last({8, 8, 1}, Layout::automatic));
  EXPECT_FALSE(channels_last({1, 3, 8, 3}, Layout::automatic));
  EXPECT_FALSE(channels_last({-1, -1, -1, -1}, Layout::automatic));
  EXPECT_TRUE(channels_last({1, 3, 8, 8}, Layout::nhwc));
  EXPECT_FALSE(channels_last({1, 8, 8, 3}, Layout::nchw));
}

TEST(PlacePicture, StretchesOverEverything) {
  const auto place = place_picture(100, 50, 40, 40, ResizeMode::stretch);
  EXPECT_EQ(place.width, 40);
  EXPECT_EQ(place.height, 40);
  EXPECT_EQ(place.source_width, 100);
  EXPECT_EQ(place.source_height, 50);
}

TEST(PlacePicture, LetterboxesWithTheAspectKept) {
  const auto wide = place_picture(100, 50, 40, 40, ResizeMode::letterbox);
  EXPECT_EQ(wide.x, 0);
  EXPECT_EQ(wide.y, 10);
  EXPECT_EQ(wide.width, 40);
  EXPECT_EQ(wide.height, 20);
  const auto thin = place_picture(1, 10000, 40, 40, ResizeMode::letterbox);
  EXPECT_EQ(thin.width, 1);  // never nothing
  EXPECT_EQ(thin.x, 19);
}

TEST(PlacePicture, CropsTheMiddle) {
  const auto place = place_picture(100, 50, 40, 40, ResizeMode::crop);
  EXPECT_EQ(place.width, 40);
  EXPECT_EQ(place.height, 40);
  EXPECT_EQ(place.source_x, 25);
  EXPECT_EQ(place.source_y, 0);
  EXPECT_EQ(place.source_width, 50);
  EXPECT_EQ(place.source_height, 50);
}

TEST(ToInput, PadsALetterboxWithZeroPixels) {
  auto settings = raw();
  settings.resize = ResizeMode::letterbox;
  settings.mean = {1};
  // The row keeps its size and lies in the middle of three; zero pixels become -1 as any zero pixel does.
  EXPECT_EQ(values(to_input(two_pixels, {1, 3, 3, 2}, Proto::FLOAT, settings)),
            (std::vector<float>{-1, -1, 0, 3, -1, -1, -1, -1, 1, 4, -1, -1, -1, -1, 2, 5, -1, -1}));
}

TEST(ToInput, CropsBeforeResizing) {
  auto settings = raw();
  settings.resize = ResizeMode::crop;
  const Image row{3, 1, 3, {9, 9, 9, 5, 6, 7, 9, 9, 9}};
  EXPECT_EQ(values(to_input(row, {1, 3, 2, 2}, Proto::FLOAT, settings)), (std::vector<float>{5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7}));
}

}  // namespace
}  // namespace quantize
