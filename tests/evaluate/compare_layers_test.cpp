// The loss of single layers, by hand: two pictures, all of whose pixels are 3 in one and 10 in the other.
#include <gtest/gtest.h>

#include <cmath>

#include "dataset/image.h"
#include "evaluate/evaluate.h"
#include "support/folder_test.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

class CompareLayers : public FolderTest {
 protected:
  CompareLayers() {
    for (const auto& [name, value] : {std::pair("a.png", 3), std::pair("b.png", 10)}) {
      const auto png = encode_png({2, 2, 3, std::vector<std::uint8_t>(12, static_cast<std::uint8_t>(value))});
      write(name, {reinterpret_cast<const char*>(png.data()), png.size()});
    }
  }
  [[nodiscard]] std::vector<LayerAccuracy> compare(const std::vector<TensorPair>& pairs, std::size_t limit) const {
    const auto samples = SampleSource::open(folder, {{"x", onnx::TensorProto::FLOAT, {1, 3, 2, 2}}}, Preprocess::named("raw"));
    return compare_layers(fp32_.proto, quantized_.proto, pairs, samples, limit, {}, {});
  }

  const Model fp32_ = text_model("g (float[1,3,2,2] x) => (float[1,3,2,2] y) <float two = {2}> { a = Identity (x)  y = Mul (a, two) }");
  const Model quantized_ = text_model(R"(g (float[1,3,2,2] x) => (float[1,3,2,2] y) <float half = {0.5}, float more = {2.25}> {
    b = Add (x, half)  c = Sub (b, half)  y = Mul (c, more)
  })");
  const std::vector<TensorPair> pairs_ = {{"exact", "Sub", "a", "c"}, {"scaled", "Mul", "y", "y"}, {"shifted", "Add", "a", "b"}};
};

void expect_layer(const LayerAccuracy& layer, const std::string& node, const std::string& op_type, const std::string& tensor, double db) {
  EXPECT_EQ(layer.node, node);
  EXPECT_EQ(layer.op_type, op_type);
  EXPECT_EQ(layer.tensor, tensor);
  EXPECT_NEAR(layer.sqnr_db, db, 1e-9) << node;
}

// Of 2 x and 2.25 x the ratio of the energies is (2 / 0.25)^2 in every picture; of x and x + 0.5 it is 3^2 / 0.5^2 in the first.
TEST_F(CompareLayers, ALimitOfOneIsTheFirstSampleAlone) {
  const auto layers = compare(pairs_, 1);
  ASSERT_EQ(layers.size(), 3U);
  expect_layer(layers[0], "shifted", "Add", "a", 10 * std::log10(36));
  expect_layer(layers[1], "scaled", "Mul", "y", 10 * std::log10(64));
  expect_layer(layers[2], "exact", "Sub", "a", 999);
}

// Energies add up, decibels do not: (3^2 + 10^2) / (2 * 0.5^2), by which the shifted layer is no longer the worst.
TEST_F(CompareLayers, SumsUpEnergiesOverSamplesAndPutsTheWorstFirst) {
  for (const std::size_t limit : {2, 9}) {
    const auto layers = compare(pairs_, limit);
    ASSERT_EQ(layers.size(), 3U);
    expect_layer(layers[0], "scaled", "Mul", "y", 10 * std::log10(64));
    expect_layer(layers[1], "shifted", "Add", "a", 10 * std::log10(218));
    expect_layer(layers[2], "exact", "Sub", "a", 999);
  }
  EXPECT_TRUE(compare({}, 2).empty());
}

}  // namespace
}  // namespace quantize::test
