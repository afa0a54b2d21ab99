#include "evaluate/confusion.h"

#include <gtest/gtest.h>

namespace quantize {
namespace {

TEST(Confusion, MeanIouByHandWithoutVoid) {
  // truth 0 0 1 1 2 void; guess 0 1 1 1 2 0: IoU 1/2, 2/3, 1
  const ClassMap truth{6, 1, {0, 0, 1, 1, 2, 255}}, guess{6, 1, {0, 1, 1, 1, 2, 0}};
  Confusion confusion(4);
  confusion.add(truth, guess);
  EXPECT_NEAR(confusion.mean_iou().value_or(0), (0.5 + 2.0 / 3 + 1) / 3, 1e-12);  // class 3 does not occur
}

TEST(Confusion, AFalseClassCountsAgainstTheTrueOnesOnly) {
  const ClassMap truth{4, 1, {0, 0, 0, 0}}, guess{4, 1, {0, 0, 0, 3}};
  Confusion confusion(4);
  confusion.add(truth, guess);
  EXPECT_EQ(confusion.mean_iou(), 0.75);
}

TEST(Confusion, NoClassAtAllMissesTheTrueOne) {
  const ClassMap truth{4, 1, {0, 0, 0, 0}}, guess{4, 1, {0, 0, 0, 255}};
  Confusion confusion(4);
  confusion.add(truth, guess);
  EXPECT_EQ(confusion.mean_iou(), 0.75);
}

TEST(Confusion, PerfectAndEmpty) {
  const ClassMap map{3, 1, {0, 1, 2}};
  Confusion confusion(3);
  EXPECT_EQ(confusion.mean_iou(), std::nullopt);
  confusion.add(ClassMap{2, 1, {3, 255}}, ClassMap{2, 1, {0, 0}});  // no pixel of a class that it knows
  EXPECT_EQ(confusion.mean_iou(), std::nullopt);
  confusion.add(map, map);
  EXPECT_EQ(confusion.mean_iou(), 1.0);
}

TEST(Confusion, ImagesAddUp) {
  const ClassMap truth{4, 1, {0, 1, 1, 0}}, guess{4, 1, {0, 1, 0, 0}};
  Confusion once(2), left(2), right(2);
  once.add(truth, guess);
  once.add(guess, truth);
  left.add(truth, guess);
  right.add(guess, truth);
  left.add(right);
  EXPECT_EQ(left.mean_iou(), once.mean_iou());
}

// Of six pixels that count, three are of class 1: IoU 0, 3/6 and 0.
TEST(Confusion, OneClassAllOverIsTheCommonestOne) {
  const ClassMap truth{7, 1, {0, 1, 1, 1, 2, 0, 255}}, guess{7, 1, {2, 2, 2, 2, 2, 2, 2}}, same{7, 1, {1, 1, 1, 1, 1, 1, 1}};
  Confusion confusion(4), constant(4);
  confusion.add(truth, guess);
  constant.add(truth, same);
  ASSERT_TRUE(confusion.one_class_iou());
  EXPECT_DOUBLE_EQ(*confusion.one_class_iou(), 0.5 / 3);
  EXPECT_EQ(confusion.one_class_iou(), constant.mean_iou());
}

TEST(Confusion, OneClassAllOverSaysNothingWhereThereIsNoOther) {
  Confusion confusion(2);
  EXPECT_EQ(confusion.one_class_iou(), std::nullopt);
  confusion.add(ClassMap{2, 1, {1, 255}}, ClassMap{2, 1, {1, 0}});
  EXPECT_EQ(confusion.one_class_iou(), std::nullopt);
}

}  // namespace
}  // namespace quantize
