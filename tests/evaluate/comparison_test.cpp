// Figures of single samples and over all of them.
#include "evaluate/comparison.h"

#include <gtest/gtest.h>

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

Accuracy accuracy_of(const std::vector<Comparison>& comparisons) {
  return summarize(comparisons, std::vector<std::string>(comparisons.size(), "x"));
}

bool passes(const Gates& gates, const Accuracy& accuracy) {
  Report report;
  report.accuracy = accuracy;
  return check_gates(gates, report).at(0).passed;
}

TEST(Summarize, AnExactSampleDoesNotHideTheOthers) {
  const auto one = compare(fp32, near, ClassAxis::first), exact = compare(fp32, fp32, ClassAxis::first);
  const Accuracy accuracy = accuracy_of({one, exact});
  EXPECT_DOUBLE_EQ(accuracy.psnr_db, (one.energy.psnr_db() + 120) / 2);
  EXPECT_EQ(accuracy.psnr_db_worst, one.energy.psnr_db());
  EXPECT_EQ(accuracy_of({exact, exact}).psnr_db, 999);
}

TEST(Summarize, NanInOneSampleMissesTheGates) {
  const Accuracy accuracy = accuracy_of({compare(fp32, fp32, ClassAxis::first), compare(fp32, with_nan(fp32), ClassAxis::first)});
  EXPECT_TRUE(std::isnan(accuracy.psnr_db));
  EXPECT_TRUE(std::isnan(accuracy.psnr_db_worst));
  EXPECT_TRUE(std::isnan(accuracy.sqnr_db));
  EXPECT_EQ(accuracy.agreement, 7.0 / 8) << "a pixel without a class is one lost";
  EXPECT_FALSE(passes({.min_psnr = 1}, accuracy));
  EXPECT_FALSE(passes({.min_sqnr = 1}, accuracy));
}

TEST(Summarize, WhereFp32IsNanNothingAgrees) {
  const Accuracy accuracy = accuracy_of({compare(with_nan(fp32), with_nan(fp32), ClassAxis::first)});
  EXPECT_FALSE(passes({.min_psnr = 1}, accuracy));
  EXPECT_FALSE(passes({.min_agreement = 0.1}, accuracy));
  EXPECT_FALSE(passes({.min_miou = 0.1}, accuracy));
}

}  // namespace
}  // namespace quantize
