// Figures of single samples and over all of them.
#include "evaluate/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "report/gates.h"

namespace quantize {
namespace {

const Tensor fp32 = Tensor::of({1, 2, 1, 4}, std::vector<float>{4, 4, 0, 0, 0, 0, 4, 4});
const Tensor near = Tensor::of({1, 2, 1, 4}, std::vector<float>{4, 4, 0, 0, 0, 0, 4, 3});

Tensor with_nan(Tensor tensor) {
  tensor.as<float>()[0] = std::nanf("");
  return tensor;
}

// Of samples for which FP32 and the other model gave these outputs.
Accuracy accuracy_of(const std::vector<std::pair<Tensor, Tensor>>& outputs) {
  Comparisons comparisons(outputs.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) comparisons.add(i, outputs[i].first, outputs[i].second, ClassAxis::first);
  return comparisons.summarize(std::vector<std::string>(outputs.size(), "x"));
}

bool passes(const Gates& gates, const Accuracy& accuracy) {
  Report report;
  report.accuracy = accuracy;
  return check_gates(gates, report).at(0).passed;
}

TEST(Comparisons, AnExactSampleDoesNotHideTheOthers) {
  const Accuracy accuracy = accuracy_of({{fp32, near}, {fp32, fp32}});
  const double of_one = Energy::of(fp32.as<float>(), near.as<float>()).psnr_db();
  EXPECT_DOUBLE_EQ(accuracy.psnr_db, (of_one + 120) / 2);
  EXPECT_EQ(accuracy.psnr_db_worst, of_one);
  EXPECT_EQ(accuracy_of({{fp32, fp32}, {fp32, fp32}}).psnr_db, 999);
}

TEST(Comparisons, SumUpOverSamples) {
  // Classes 0 0 1 1 against 0 0 1 1 and 0 0 0 0: of 4 pixels of class 0, 6 are taken for it; of 4 of class 1, 2.
  const Tensor flipped = Tensor::of({1, 2, 1, 4}, std::vector<float>{4, 4, 4, 4, 0, 0, 0, 0});
  const Accuracy accuracy = accuracy_of({{fp32, fp32}, {fp32, flipped}});
  EXPECT_EQ(accuracy.agreement, 0.75);
  EXPECT_EQ(accuracy.flipped_margin, 0.25);
  EXPECT_DOUBLE_EQ(accuracy.miou_vs_fp32, (4.0 / 6 + 2.0 / 4) / 2);
}

// A mask of one pixel wrong by 4 has a lower PSNR than one of two wrong by 1, which is the worse one.
TEST(Comparisons, OfClassesTheWorstImageIsThatOfLeastAgreement) {
  const auto classes = [](const std::vector<std::int64_t>& values) {
    Tensor tensor = Tensor::zeros(onnx::TensorProto::INT64, {1, 1, 4});
    std::ranges::copy(values, tensor.as<std::int64_t>().begin());
    return tensor;
  };
  Comparisons comparisons(2);
  comparisons.add(0, classes({0, 1, 2, 4}), classes({0, 1, 2, 0}), ClassAxis::first);
  comparisons.add(1, classes({0, 1, 2, 4}), classes({1, 1, 3, 4}), ClassAxis::first);
  const Accuracy accuracy = comparisons.summarize(std::vector<std::string>{"far", "many"});
  EXPECT_TRUE(accuracy.only_classes);
  EXPECT_EQ(accuracy.worst_image, "many");
  EXPECT_EQ(accuracy.psnr_db_worst, accuracy.images[0].psnr_db);
  EXPECT_FALSE(accuracy_of({{fp32, near}}).only_classes);
}

// A table of 255 classes is half a megabyte: what is kept of each sample holds none.
static_assert(sizeof(Comparison) < 100 && std::is_trivially_copyable_v<Comparison>);

TEST(Comparisons, ASampleThatIsLeftOutCountsInNoFigure) {
  Comparisons comparisons(2);
  comparisons.leave_out(0);
  comparisons.add(1, fp32, near, ClassAxis::first);
  const Accuracy accuracy = comparisons.summarize(std::vector<std::string>{"a", "b"});
  const Accuracy alone = accuracy_of({{fp32, near}});
  EXPECT_EQ(accuracy.left_out, 1U);
  ASSERT_EQ(accuracy.images.size(), 2U) << "numbered as the samples are";
  EXPECT_FALSE(accuracy.images[0].compared);
  EXPECT_EQ(accuracy.worst_image, "b");
  EXPECT_EQ(accuracy.psnr_db, alone.psnr_db);
  EXPECT_EQ(accuracy.sqnr_db, alone.sqnr_db);
  EXPECT_EQ(accuracy.agreement, alone.agreement);
  Comparisons none(1);
  none.leave_out(0);
  EXPECT_TRUE(none.summarize(std::vector<std::string>{"a"}).images.empty()) << "nothing was measured";
}

TEST(Comparisons, NanInOneSampleMissesTheGates) {
  const Accuracy accuracy = accuracy_of({{fp32, fp32}, {fp32, with_nan(fp32)}});
  EXPECT_TRUE(std::isnan(accuracy.psnr_db));
  EXPECT_TRUE(std::isnan(accuracy.psnr_db_worst));
  EXPECT_TRUE(std::isnan(accuracy.sqnr_db));
  EXPECT_EQ(accuracy.agreement, 7.0 / 8) << "a pixel without a class is one lost";
  EXPECT_FALSE(passes({.min_psnr = 1}, accuracy));
  EXPECT_FALSE(passes({.min_sqnr = 1}, accuracy));
}

TEST(Comparisons, WhereFp32IsNanNothingAgrees) {
  const Accuracy accuracy = accuracy_of({{with_nan(fp32), with_nan(fp32)}});
  EXPECT_FALSE(passes({.min_psnr = 1}, accuracy));
  EXPECT_FALSE(passes({.min_agreement = 0.1}, accuracy));
  EXPECT_FALSE(passes({.min_miou = 0.1}, accuracy));
}

}  // namespace
}  // namespace quantize
