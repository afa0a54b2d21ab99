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

}  // namespace
}  // namespace quantize::test
