#include "evaluate/metrics.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cmath>

#include "base/error.h"

namespace quantize {
namespace {

TEST(Energy, SqnrAndPsnrByHand) {
  const std::vector<float> reference = {3, -4, 0, 0}, other = {3, -4, 1, 0};
  const Energy energy = Energy::of(reference, other);
  EXPECT_NEAR(energy.sqnr_db(), 10 * std::log10(25.0), 1e-12);
  EXPECT_NEAR(energy.psnr_db(), 20 * std::log10(4 / 0.5), 1e-12);  // RMSE: sqrt(1 / 4)
}

TEST(Energy, IdenticalOutputsAre999) {
  const std::vector<float> values = {1, 2};
  EXPECT_EQ(Energy::of(values, values).sqnr_db(), 999.0);
  EXPECT_EQ(Energy::of(values, values).psnr_db(), 999.0);
}

TEST(Energy, WhatIsNoNumberIsNotExact) {
  const std::vector<float> values = {1, 2}, broken = {1, std::nanf("")};
  EXPECT_TRUE(std::isnan(Energy::of(values, broken).sqnr_db()));
  EXPECT_TRUE(std::isnan(Energy::of(values, broken).psnr_db()));
  EXPECT_TRUE(std::isnan(Energy::of(broken, values).psnr_db()));
}

TEST(Decibels, AnExactImageDoesNotHideTheOthersInTheMean) {
  std::vector<double> values(16, 40);
  values[3] = 999;
  EXPECT_DOUBLE_EQ(mean_db(values), 45);  // 120 for the exact one
  EXPECT_EQ(mean_db(std::vector<double>{999, 999}), 999);
  EXPECT_TRUE(std::isnan(mean_db(std::vector<double>{40, std::nan("")})));
}

TEST(Decibels, NothingIsWorseThanWhatIsNoNumber) {
  EXPECT_TRUE(is_worse_db(std::nan(""), -300));
  EXPECT_FALSE(is_worse_db(-300, std::nan("")));
  EXPECT_FALSE(is_worse_db(std::nan(""), std::nan("")));
  EXPECT_TRUE(is_worse_db(30, 40));
}

TEST(Energy, AddsUpOverImages) {
  const std::vector<float> a = {1, 2, 3, 8}, b = {1, 2.5F, 3, 7};
  Energy sum = Energy::of(std::span(a).first(2), std::span(b).first(2));
  sum.add(Energy::of(std::span(a).last(2), std::span(b).last(2)));
  const Energy whole = Energy::of(a, b);
  EXPECT_EQ(sum.sqnr_db(), whole.sqnr_db());
  EXPECT_EQ(sum.psnr_db(), whole.psnr_db());
}

TEST(Energy, DifferentSizesAreRefused) { EXPECT_THROW(Energy::of(std::vector<float>{1}, std::vector<float>{1, 2}), Error); }

// 1 x 3 classes x 1 x 4 pixels
const std::vector<float> scores = {1, 5, 2, 0,   // class 0
                                   3, 5, 2, 1,   // class 1
                                   2, 1, 2, 4};  // class 2

TEST(ClassesOf, LargestScoreAndTheFirstOfATie) {
  EXPECT_EQ(classes_of(Tensor::of({1, 3, 1, 4}, scores), ClassAxis::first).classes, (std::vector<std::uint8_t>{1, 0, 0, 2}));
}

TEST(ClassesOf, ChannelsLast) {
  std::vector<float> last;
  for (int p = 0; p < 4; ++p) {
    for (int c = 0; c < 3; ++c) last.push_back(scores[static_cast<std::size_t>(c * 4 + p)]);
  }
  const auto map = classes_of(Tensor::of({1, 1, 4, 3}, last), ClassAxis::last);
  EXPECT_EQ(map.classes, (std::vector<std::uint8_t>{1, 0, 0, 2}));
  EXPECT_EQ(map.width, 4);
  EXPECT_EQ(map.height, 1);
}

TEST(ClassesOf, OneChannelIsAboveOneHalf) {
  const std::vector<float> values = {0.4F, 0.5F, 0.6F, -3};
  EXPECT_EQ(classes_of(Tensor::of({1, 1, 2, 2}, values), ClassAxis::first).classes, (std::vector<std::uint8_t>{0, 0, 1, 0}));
  EXPECT_EQ(classes_of(Tensor::of({1, 2, 2}, values), ClassAxis::first).classes, (std::vector<std::uint8_t>{0, 0, 1, 0}));
}

TEST(ClassesOf, WhereAScoreIsNoNumberThereIsNoClass) {
  const float nan = std::nanf("");
  const std::vector<float> two = {nan, 1,   nan, 0,  // class 0
                                  2,   nan, nan, 1};
  EXPECT_EQ(classes_of(Tensor::of({1, 2, 1, 4}, two), ClassAxis::first).classes, (std::vector<std::uint8_t>{255, 255, 255, 1}));
  EXPECT_EQ(classes_of(Tensor::of({1, 1, 1, 2}, std::vector<float>{nan, 1}), ClassAxis::first).classes,
            (std::vector<std::uint8_t>{255, 1}));
}

TEST(ClassesOf, IntegersAreClassesAlready) {
  Tensor map = Tensor::zeros(onnx::TensorProto::INT64, {1, 2, 2});
  map.as<std::int64_t>()[1] = 7;
  map.as<std::int64_t>()[2] = 300;
  map.as<std::int64_t>()[3] = -1;
  EXPECT_EQ(classes_of(map, ClassAxis::first).classes, (std::vector<std::uint8_t>{0, 7, 255, 0}));
}

TEST(ClassesOf, IntegersOfAnyTypeAreClasses) {
  for (const auto type : {onnx::TensorProto::UINT16, onnx::TensorProto::INT16, onnx::TensorProto::UINT32, onnx::TensorProto::UINT64}) {
    Tensor map = Tensor::zeros(type, {1, 1, 2});
    map.bytes[0] = static_cast<decltype(map.bytes)::value_type>(3);  // little-endian, as the program's tensors are
    EXPECT_EQ(classes_of(map, ClassAxis::first).classes, (std::vector<std::uint8_t>{3, 0})) << type;
  }
}

TEST(ClassesOf, IntegersOfTwoDimensionsAreAMapWithoutABatch) {
  Tensor map = Tensor::zeros(onnx::TensorProto::INT64, {2, 3});
  map.as<std::int64_t>()[5] = 4;
  const auto classes = classes_of(map, ClassAxis::first);
  EXPECT_EQ(classes.classes, (std::vector<std::uint8_t>{0, 0, 0, 0, 0, 4}));
  EXPECT_EQ(classes.width, 3);
  EXPECT_EQ(classes.height, 2);
}

TEST(ClassesOf, ALineHasItsClassesInTheMiddle) {
  const auto line = classes_of(Tensor::of({1, 3, 4}, scores), ClassAxis::line);
  EXPECT_EQ(line.classes, (std::vector<std::uint8_t>{1, 0, 0, 2}));
  EXPECT_EQ(line.width, 4);
  EXPECT_EQ(line.height, 1);
}

TEST(ClassesOf, WithoutABatchTheClassesComeFirstOrLast) {
  const auto leading = classes_of(Tensor::of({3, 1, 4}, scores), ClassAxis::leading);
  EXPECT_EQ(leading.classes, (std::vector<std::uint8_t>{1, 0, 0, 2}));
  EXPECT_EQ(leading.width, 4);
  EXPECT_EQ(leading.height, 1);
  const auto trailing = classes_of(Tensor::of({2, 1, 3}, std::vector<float>{0, 5, 1, 7, 2, 8}), ClassAxis::trailing);
  EXPECT_EQ(trailing.classes, (std::vector<std::uint8_t>{1, 2}));
  EXPECT_EQ(trailing.width, 1);
  EXPECT_EQ(trailing.height, 2);
}

TEST(ClassesOf, OnlyTheFirstItemOfABatch) {
  const std::vector<float> values = {1, 0, 0, 1, 0, 9, 9, 0};
  EXPECT_EQ(classes_of(Tensor::of({2, 2, 1, 2}, values), ClassAxis::first).classes, (std::vector<std::uint8_t>{0, 1}));
}

TEST(ClassesOf, OtherShapesAreSeenAsPlanes) {
  const auto volume = classes_of(Tensor::zeros(onnx::TensorProto::FLOAT, {1, 2, 2, 3, 5}), ClassAxis::first);
  EXPECT_EQ(volume.height, 2);
  EXPECT_EQ(volume.width, 15);  // what lies behind the height is one width
  const auto list = classes_of(Tensor::of({3}, std::vector<float>{0, 1, 0}), ClassAxis::first);
  EXPECT_EQ(list.classes, (std::vector<std::uint8_t>{0, 1, 0}));
}

TEST(ClassesAt, ScoresAreEnlargedBilinearlyAndClassesByTheNearest) {
  const auto scored = classes_at(Tensor::of({1, 2, 1, 2}, std::vector<float>{4, 0, 1, 1}), ClassAxis::first, 8, 1);
  // Class 0 falls from 4 to 0 between pixel centres 2 and 6: it wins while above 1.
  EXPECT_EQ(scored.classes, (std::vector<std::uint8_t>{0, 0, 0, 0, 0, 1, 1, 1}));
  Tensor map = Tensor::zeros(onnx::TensorProto::INT64, {1, 1, 2});
  map.as<std::int64_t>()[1] = 9;
  EXPECT_EQ(classes_at(map, ClassAxis::first, 4, 2).classes, (std::vector<std::uint8_t>{0, 0, 9, 9, 0, 0, 9, 9}));
}

// The peak resident memory of this process tells: all channels at once are 600 MB. What an address sanitizer keeps of freed memory is less.
TEST(ClassesAt, LargeMasksNeedNoMemoryForEveryChannel) {
  const auto peak_in_megabytes = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
  };
  const Tensor output = Tensor::zeros(onnx::TensorProto::FLOAT, {1, 150, 8, 8});
  const auto before = peak_in_megabytes();
  EXPECT_EQ(classes_at(output, ClassAxis::first, 1000, 1000).classes.size(), 1'000'000U);
  EXPECT_LT(peak_in_megabytes() - before, 400);
}

TEST(ClassCount, ByShapeAndType) {
  using onnx::TensorProto;
  EXPECT_EQ(class_count(Tensor::zeros(TensorProto::FLOAT, {1, 21, 2, 3}), ClassAxis::first), 21);
  EXPECT_EQ(class_count(Tensor::zeros(TensorProto::FLOAT, {1, 2, 3, 5}), ClassAxis::last), 5);
  EXPECT_EQ(class_count(Tensor::zeros(TensorProto::FLOAT, {1, 1, 2, 3}), ClassAxis::first), 2);
  EXPECT_EQ(class_count(Tensor::zeros(TensorProto::FLOAT, {1, 7, 9}), ClassAxis::first), 2);
  EXPECT_EQ(class_count(Tensor::zeros(TensorProto::FLOAT, {1, 7, 9}), ClassAxis::line), 7);
  EXPECT_EQ(class_count(Tensor::zeros(TensorProto::FLOAT, {7, 9, 11}), ClassAxis::leading), 7);
  EXPECT_EQ(class_count(Tensor::zeros(TensorProto::FLOAT, {9, 11, 7}), ClassAxis::trailing), 7);
  EXPECT_GE(class_count(Tensor::zeros(TensorProto::INT64, {1, 7, 9}), ClassAxis::first), 255);
}

TEST(ClassDimension, IsWhereTheClassesAre) {
  EXPECT_EQ(class_dimension(ClassAxis::first, 4), 1);
  EXPECT_EQ(class_dimension(ClassAxis::last, 4), 3);
  EXPECT_EQ(class_dimension(ClassAxis::first, 3), std::nullopt) << "N H W";
  EXPECT_EQ(class_dimension(ClassAxis::last, 3), std::nullopt);
  EXPECT_EQ(class_dimension(ClassAxis::first, 2), 1);
  EXPECT_EQ(class_dimension(ClassAxis::line, 3), 1);
  EXPECT_EQ(class_dimension(ClassAxis::leading, 3), 0);
  EXPECT_EQ(class_dimension(ClassAxis::trailing, 3), 2);
}

TEST(Agreement, ShareOfEqualPixels) {
  const ClassMap a{2, 2, {0, 1, 2, 3}}, b{2, 2, {0, 1, 3, 3}};
  EXPECT_EQ(agreement(a, b), 0.75);
  EXPECT_EQ(agreement(a, a), 1.0);
  EXPECT_THROW(agreement(a, ClassMap{1, 1, {0}}), Error);
}

TEST(MarginsOf, LargestLessSecondLargest) {
  EXPECT_EQ(margins_of(Tensor::of({1, 3, 1, 4}, scores), ClassAxis::first), (std::vector<float>{1, 0, 0, 3}));
  const std::vector<float> one = {0.25F, 0.5F, 0.75F, -3};
  EXPECT_EQ(margins_of(Tensor::of({1, 1, 2, 2}, one), ClassAxis::first), (std::vector<float>{0.25F, 0, 0.25F, 3.5F}));
  EXPECT_EQ(margins_of(Tensor::zeros(onnx::TensorProto::INT64, {1, 1, 2}), ClassAxis::first), (std::vector<float>{1, 1}));
}

TEST(MarginLoss, ADecidedPixelLostWeighsMoreThanAnEvenOne) {
  const ClassMap a{4, 1, {0, 1, 2, 0}}, even_lost{4, 1, {0, 1, 2, 1}}, decided_lost{4, 1, {1, 1, 2, 0}};
  const std::vector<float> margins = {6, 1, 2, 1};
  EXPECT_DOUBLE_EQ(MarginLoss::of(a, even_lost, margins).share(), 0.1);
  EXPECT_DOUBLE_EQ(MarginLoss::of(a, decided_lost, margins).share(), 0.6);
  MarginLoss sum = MarginLoss::of(a, a, margins);
  EXPECT_EQ(sum.share(), 0);
  sum.add(MarginLoss::of(a, decided_lost, margins));
  EXPECT_DOUBLE_EQ(sum.share(), 0.3);
  EXPECT_EQ(MarginLoss{}.share(), 0);
  EXPECT_THROW(MarginLoss::of(a, a, std::vector<float>{1}), Error);
}

TEST(ClassAxisOf, IsTheOneWithTheInputsProportions) {
  const Shape nchw = {1, 3, 96, 128}, nhwc = {1, 96, 128, 3};
  EXPECT_EQ(class_axis(nchw, false, {1, 8, 48, 64}), ClassAxis::first);
  EXPECT_EQ(class_axis(nchw, false, {1, 48, 64, 8}), ClassAxis::last);
  EXPECT_EQ(class_axis(nhwc, true, {1, 1, 96, 128}), ClassAxis::first) << "found in a converted model";
  EXPECT_EQ(class_axis(nhwc, true, {1, 13, 17, 8}), ClassAxis::last) << "strides round";
  // Where the output does not tell: as the input.
  EXPECT_EQ(class_axis(nhwc, true, {1, -1, -1, 8}), ClassAxis::last);
  EXPECT_EQ(class_axis({1, 256, 256, 3}, true, {1, 8, 8, 8}), ClassAxis::last);
  EXPECT_EQ(class_axis(nchw, false, {1, 8}), ClassAxis::first);
}

TEST(ClassAxisOf, APictureWithoutABatchHasItsClassesFirstOrLast) {
  EXPECT_EQ(class_axis({3, 96, 128}, false, {21, 96, 128}), ClassAxis::leading);
  EXPECT_EQ(class_axis({3, 96, 128}, false, {3, 48, 64}), ClassAxis::leading) << "as many classes as colours";
  EXPECT_EQ(class_axis({96, 128, 3}, true, {48, 64, 21}), ClassAxis::trailing);
  EXPECT_EQ(class_axis({1, 3, 96, 128}, false, {21, 48, 64}), ClassAxis::leading) << "the batch squeezed away";
  EXPECT_EQ(class_axis({-1, 96, 128, 3}, true, {96, 128, 21}), ClassAxis::trailing);
  EXPECT_EQ(class_axis({4, 3, 96, 128}, false, {4, 96, 128}), ClassAxis::first) << "four masks";
  EXPECT_EQ(class_axis({4, 96, 128}, false, {4, 96, 128}), ClassAxis::first) << "four lines, or four masks";
}

TEST(ClassAxisOf, ANetworkAlongOneDimensionAnswersWithALine) {
  EXPECT_EQ(class_axis({1, 3, 1024}, false, {1, 21, 1024}), ClassAxis::line);
  EXPECT_EQ(class_axis({-1, 12, -1}, false, {-1, 4, -1}), ClassAxis::line);
  EXPECT_EQ(class_axis({1, 3, 96, 128}, false, {1, 96, 128}), ClassAxis::first) << "a picture's mask";
  EXPECT_EQ(class_axis({1, 96, 128}, false, {1, 48, 64}), ClassAxis::first) << "a picture without a batch";
  EXPECT_EQ(class_axis({1, -1, -1}, false, {1, -1, -1}), ClassAxis::first) << "height and width are free, channels never are";
}

}  // namespace
}  // namespace quantize
