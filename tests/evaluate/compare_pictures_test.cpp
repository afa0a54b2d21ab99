// What of the samples the report shows, and how large.
#include <onnx/onnx_pb.h>

#include <numeric>

#include "dataset/image.h"
#include "evaluate/evaluate.h"
#include "support/folder_test.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

class ComparePictures : public FolderTest {
 protected:
  // A model against itself, on all that lies in the folder.
  [[nodiscard]] std::vector<ComparedPicture> compare(const char* graph, const Shape& input) const {
    const Model model = text_model(graph);
    const auto samples = SampleSource::open(folder, {{"x", onnx::TensorProto::FLOAT, input}}, {});
    std::vector<std::size_t> numbers(samples.size());
    std::iota(numbers.begin(), numbers.end(), 0);
    Accuracy accuracy;
    accuracy.images.resize(samples.size());
    return compare_pictures(model.proto, model.proto, samples, numbers, ClassAxis::first, accuracy, {}, {});
  }
};

TEST_F(ComparePictures, TensorsAreNoPicturesHoweverTheirEndingIsWritten) {
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
  write("a.NPY", std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header + std::string(4, '\0'));
  EXPECT_TRUE(compare("g (float[1] x) => (float[1] y) { y = Relu (x) }", {1}).empty());
}

TEST_F(ComparePictures, PhotographsAreShownNoLargerThanAScreen) {
  for (const auto& [name, width, height] : {std::tuple("a.png", 3000, 1500), {"b.png", 1024, 20}, {"c.png", 2, 4096}}) {
    const auto png = encode_png({width, height, 3, std::vector<std::uint8_t>(static_cast<std::size_t>(width) * height * 3)});
    write(name, {reinterpret_cast<const char*>(png.data()), png.size()});
  }
  const auto pictures = compare("g (float[1,3,4,4] x) => (float[1,3,4,4] y) { y = Relu (x) }", {1, 3, 4, 4});
  ASSERT_EQ(pictures.size(), 3U);
  const std::pair<int, int> expected[] = {{1024, 512}, {1024, 20}, {1, 1024}};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(std::pair(pictures[i].width, pictures[i].height), expected[i]) << pictures[i].name;
    for (const auto* png : {&pictures[i].picture, &pictures[i].fp32_overlay, &pictures[i].quantized_overlay, &pictures[i].difference}) {
      const Image image = decode_image(*png, 3, "picture");
      EXPECT_EQ(std::pair(image.width, image.height), expected[i]) << pictures[i].name;
    }
  }
}

}  // namespace
}  // namespace quantize::test
