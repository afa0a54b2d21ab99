// 4-bit weights with zero points and a scale that several rows share, on their whole way: encoded, fitted, written, read back and verified.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "encode/plan_fixture.h"
#include "model/edit.h"
#include "optimize/fit_network.h"
#include "rewrite/rewrite.h"
#include "support/folder_test.h"
#include "verify/verify.h"

namespace quantize::test {
namespace {

// No weight has more than 128 values, so that zero points are chosen even where all of it has one scale.
constexpr const char* net = R"(g (float[1,3,10,10] x) => (float[1,3,20,20] y)
    <float[4,3,3,3] w, float[4] b, float[4,2,2,2] t, float[3,4,3,3] u, float[3] f> {
  a = Conv <pads = [1,1,1,1]> (x, w, b)
  r = Relu (a)
  p = ConvTranspose <group = 2, strides = [2,2]> (r, t)
  y = Conv <pads = [1,1,1,1]> (p, u, f)
})";

class FitZeroPoints : public FolderTest {
 protected:
  // All weights of one sign: every zero point is at the end of the integers.
  FitZeroPoints() {
    for (const auto* name : {"w", "t", "u"}) {
      const Shape shape = shape_of(initializer_of(original_, name));
      auto values = float_values(initializer_of(original_, name));
      for (auto& value : values) value = std::fabs(value) + 0.1F;
      put_initializer(original_.graph(), make_tensor(name, shape, values));
    }
  }

  void plan_for(Granularity granularity) {
    scheme_.weights = granularity;
    const auto planned = plan_graph(original_, scheme_);
    plan_ = {planned.prepared, planned.placement, planned.encodings};
    for (const auto& [name, encoding] : plan_.encodings.weights)
      ASSERT_EQ(encoding.zero_point, std::vector<std::int32_t>(encoding.scale.size(), -8)) << name;
  }

  void fit() {
    const FitEffort effort{.samples = 8, .least_columns = 2000, .columns_per_weight = 16, .dampings = {0.01, 0.1}, .sweeps = 2};
    const auto result = fit_network(plan_, {scheme_, random_samples(original_), 8, 1}, effort, Context());
    EXPECT_EQ(result.fitted, 3);
    EXPECT_TRUE(result.skipped.empty());
  }

  void expect_on_grid(const std::string& name) const {
    const auto& tensor = initializer_of(plan_.model, name);
    const auto values = float_values(tensor), rounded = rounded_values(values, shape_of(tensor), plan_.encodings.weights.at(name));
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float scale = plan_.encodings.weights.at(name).scale[slice_of(i, shape_of(tensor), plan_.encodings.weights.at(name))];
      ASSERT_NEAR(values[i], rounded[i], 1e-4F * scale) << name << " " << i;
    }
  }

  // Rows that share a scale keep it, with its zero point, and use integers that a grid of -8 to 7 steps does not have.
  void expect_kept(const std::string& name, const Encoding& before, std::size_t scales) const {
    const auto& after = plan_.encodings.weights.at(name);
    ASSERT_EQ(before.scale.size(), scales) << name;
    EXPECT_EQ(after.scale, before.scale) << name;
    EXPECT_EQ(after.zero_point, before.zero_point) << name;
    const auto& tensor = initializer_of(plan_.model, name);
    const auto values = float_values(tensor);
    std::vector<float> largest(scales);
    for (std::size_t i = 0; i < values.size(); ++i) {
      auto& most = largest[slice_of(i, shape_of(tensor), after)];
      most = std::max(most, values[i]);
    }
    for (std::size_t s = 0; s < scales; ++s) EXPECT_GT(largest[s], 7.5F * after.scale[s]) << name << " " << s;
  }

  // Throws where the file is not as planned.
  void write_and_verify() const {
    const Model written = rewrite(plan_.model, plan_.placement, plan_.encodings);
    FileTransaction files;
    const auto temporary = save_model(written.proto, folder / "written.onnx", files);
    verify(original_, plan_.model, temporary, plan_.placement, plan_.encodings, random_inputs(original_.proto));
  }

  Scheme scheme_ = scheme_named("w4a16");
  Model original_ = text_model_for(scheme_, net);
  Plan plan_;
};

TEST_F(FitZeroPoints, OfWeightsWithOneScaleStay) {
  plan_for(Granularity::per_tensor);
  const auto before = plan_.encodings.weights;
  EXPECT_NO_THROW(write_and_verify());
  fit();
  for (const auto* name : {"w", "t", "u"}) {
    expect_on_grid(name);
    expect_kept(name, before.at(name), 1);
  }
  EXPECT_NO_THROW(write_and_verify());
}

// Two scales for four output channels, in two groups. The other weights have a row for each scale, and choose anew.
TEST_F(FitZeroPoints, OfAGroupedConvTransposeStay) {
  plan_for(Granularity::per_channel);
  const auto before = plan_.encodings.weights;
  fit();
  for (const auto* name : {"w", "t", "u"}) expect_on_grid(name);
  expect_kept("t", before.at("t"), 2);
  EXPECT_NE(plan_.encodings.weights.at("w").scale, before.at("w").scale);
  EXPECT_NO_THROW(write_and_verify());
}

}  // namespace
}  // namespace quantize::test
