// The outputs behind the first, which alone has classes.
#include "dataset/image.h"
#include "evaluate/evaluate.h"
#include "support/folder_test.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

using OtherOutputs = FolderTest;

TEST_F(OtherOutputs, HaveAnSqnrEach) {
  const auto png = encode_png({4, 4, 3, std::vector<std::uint8_t>(48, 100)});
  write("a.png", {reinterpret_cast<const char*>(png.data()), png.size()});
  const auto model = [](const std::string& factor) {
    return text_model("g (float[1,3,4,4] x) => (float[1,3,4,4] y, float[1,3,4,4] z, int64[1,1,4,4] c, float[1,3,4,4] w) <float f = {" +
                      factor + "}> { y = Relu (x)  z = Mul (x, f)  c = ArgMax <axis = 1> (x)  w = Abs (x) }");
  };
  const auto samples = SampleSource::open(folder, {{"x", onnx::TensorProto::FLOAT, {1, 3, 4, 4}}}, Preprocess::named("raw"));
  const auto accuracy = compare_outputs(model("2").proto, model("2.2").proto, samples, ClassAxis::first, {}, {}, {});
  ASSERT_EQ(accuracy.other_outputs.size(), 2U) << "a class map has none";
  EXPECT_EQ(accuracy.other_outputs[0].name, "z");
  EXPECT_NEAR(accuracy.other_outputs[0].sqnr_db, 20, 1e-4);  // of an error of a tenth
  EXPECT_EQ(accuracy.other_outputs[1].name, "w");
  EXPECT_EQ(accuracy.other_outputs[1].sqnr_db, 999);
}

}  // namespace
}  // namespace quantize::test
