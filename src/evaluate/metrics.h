// The figures of merit, as accumulators over images. Definitions are those of the field: PSNR = 20 log10(max|fp32| / RMSE), SQNR = 10
// log10(sum fp32^2 / sum error^2), IoU = intersection / union per class, averaged over the classes that occur in the reference.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/tensor.h"

namespace quantize {

// Signal and error energy of one comparison; adds up over images.
struct Energy {
  double signal = 0, error = 0, peak = 0;
  std::size_t count = 0;

  static Energy of(std::span<const float> reference, std::span<const float> other);
  void add(const Energy& other);
  [[nodiscard]] double sqnr_db() const;  // 999 where there is no error, NaN where a value is none
  [[nodiscard]] double psnr_db() const;
};

// Decibels in means and spreads over images: no image counts for more than 120 dB, about the rounding of float, lest an exact one among
// others (999) hide how far those are off.
inline double counted_db(double value) { return std::min(value, 120.0); }
// 999 where all are exact, NaN where one is.
double mean_db(std::span<const double> values);
// NaN is worse than any figure.
bool is_worse_db(double a, double b);

// Class per pixel of a segmentation output; row-major over the remaining dimensions.
struct ClassMap {
  int width = 0, height = 1;
  std::vector<std::uint8_t> classes;  // 255 and above are clipped to 255, which also stands for none, where a score is NaN
};

// How the first output encodes classes: N C H W, or N H W C; N C L, of a network along one dimension; or, without a batch, C H W, or H W C.
// An output of three dimensions is otherwise N H W, of one channel.
enum class ClassAxis { first, last, line, leading, trailing };
// The order in which an output of this shape (-1: free) has its height and width in proportion to the input's; that of the input,
// whose channels are last or not, where the output does not tell. Of three dimensions from three: a line, unless both look like pictures
// without a batch.
ClassAxis class_axis(const Shape& input, bool input_channels_last, const Shape& output);
// The dimension that holds the classes of an output of so many; none where the output is one plane.
std::optional<int> class_dimension(ClassAxis axis, std::size_t dimensions);

// Number of classes an output of this shape can tell apart: its channels; 2 for one channel; 255 for integer class maps.
int class_count(const Tensor& output, ClassAxis axis);
// argmax over channels (first one wins a tie, as numpy's); with one channel x > 0.5; integer outputs are classes already, with two
// dimensions H W. First item of the batch.
ClassMap classes_of(const Tensor& output, ClassAxis axis);
// The same after enlarging every channel bilinearly (Pillow's mode F) to width x height; needs memory for two channels of that size,
// however many there are.
ClassMap classes_at(const Tensor& output, ClassAxis axis, int width, int height);
double agreement(const ClassMap& a, const ClassMap& b);

// How decided an output is about each pixel: the largest score less the second largest; with one channel |x - 0.5|; 1 where the output
// holds classes. First item of the batch, in the order of classes_of.
std::vector<float> margins_of(const Tensor& output, ClassAxis axis);

// Pixels that changed class, weighted by the reference's margin there: a flip between two classes that were nearly even weighs little, a
// decided pixel lost weighs much. Adds up over images.
struct MarginLoss {
  double flipped = 0, all = 0;

  static MarginLoss of(const ClassMap& reference, const ClassMap& other, std::span<const float> margins);
  void add(const MarginLoss& other);
  [[nodiscard]] double share() const { return all == 0 ? 0 : flipped / all; }
};

}  // namespace quantize
