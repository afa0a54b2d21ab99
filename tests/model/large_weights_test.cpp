#include "model/large_weights.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "model/edit.h"
#include "model/model.h"
#include "model/payload.h"
#include "model/tensor.h"
#include "run/session.h"
#include "support/folder_test.h"
#include "support/run_model.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

// Everything is "large": what happens to a model over 2 GB happens to this one.
constexpr WeightLimits tiny{.in_protobuf = 256, .tensor = 64};

Model two_layers() {
  return text_model(R"(g (float[1,3,8,8] x) => (float[1,2,8,8] y) <float[4,3,3,3] w, float[4] b, float[2,4,1,1] v, float[8,8] map> {
    c = Conv <pads = [1,1,1,1]> (x, w, b)
    m = Mul (c, map)
    y = Conv (m, v)
  })");
}

TEST(MoveOutLargeWeights, KeepsTheFunctionAndTheSmallOnes) {
  const Model before = two_layers();
  Model after = before;
  move_out_large_weights(after.graph(), tiny, after.scratch);
  EXPECT_TRUE(is_external(initializer_of(after, "w")));
  EXPECT_TRUE(is_external(initializer_of(after, "map")));
  EXPECT_FALSE(is_external(initializer_of(after, "b")));
  EXPECT_FALSE(is_external(initializer_of(after, "v")));
  EXPECT_LT(after.proto.ByteSizeLong(), before.proto.ByteSizeLong());
  EXPECT_EQ(float_values(initializer_of(after, "w")), float_values(initializer_of(before, "w")));
  EXPECT_EQ(from_proto(initializer_of(after, "map")).bytes, from_proto(initializer_of(before, "map")).bytes);
  check_model(after.proto, "moved out");
  expect_same_function(before.proto, after.proto, 0);
}

TEST(MoveOutLargeWeights, LeavesAModelThatFits) {
  Model model = two_layers();
  move_out_large_weights(model.graph(), {}, model.scratch);
  EXPECT_EQ(model.scratch, nullptr);
  EXPECT_FALSE(is_external(initializer_of(model, "w")));
}

TEST(MoveOutLargeWeights, ACopyOutlivesTheModel) {
  const auto expected = float_values(initializer_of(two_layers(), "w"));
  Model copy;
  {
    Model model = two_layers();
    move_out_large_weights(model.graph(), tiny, model.scratch);
    copy = model;
  }
  EXPECT_EQ(float_values(initializer_of(copy, "w")), expected);
}

TEST(CopyWithoutPayloads, KeepsTypesShapesAndSmallValues) {
  const Model model = two_layers();
  const auto copy = copy_without_payloads(model.proto, 64);
  for (int i = 0; i < copy.graph().initializer_size(); ++i) {
    const auto &before = model.graph().initializer(i), &after = copy.graph().initializer(i);
    EXPECT_EQ(after.name(), before.name());
    EXPECT_EQ(after.data_type(), before.data_type());
    EXPECT_EQ(shape_of(after), shape_of(before));
    EXPECT_EQ(after.has_raw_data(), before.ByteSizeLong() <= 64) << after.name();
  }
  auto emptied = model.proto;
  for (auto& tensor : *emptied.mutable_graph()->mutable_initializer()) {
    if (tensor.ByteSizeLong() > 64) tensor.clear_raw_data();
  }
  EXPECT_EQ(serialize(copy), serialize(emptied));  // nothing else is lost
}

TEST(Session, TakesWhatDoesNotFitIntoOneProtobufThroughAFile) {
  const Model model = two_layers();
  const auto inputs = random_inputs(model.proto);
  const Session whole(model.proto), parts(model.proto, {.limits = tiny});
  EXPECT_EQ(parts.run(inputs)[0].bytes, whole.run(inputs)[0].bytes);
}

using SaveInTwoFiles = FolderTest;

TEST_F(SaveInTwoFiles, LoadsAndRunsAgain) {
  const Model before = two_layers();
  const auto path = folder / "a.onnx";
  FileTransaction files;
  save_model(before.proto, path, files, tiny);
  files.publish();
  EXPECT_GT(std::filesystem::file_size(folder / "a.onnx.data"), 4096U);
  const auto inputs = random_inputs(before.proto);
  const auto expected = Session(before.proto).run(inputs)[0].bytes;
  EXPECT_EQ(Session(path).run(inputs)[0].bytes, expected);  // ONNX Runtime finds the data by itself

  const Model outside = load_model(path, tiny), inside = load_model(path);
  EXPECT_TRUE(is_external(initializer_of(outside, "w")));
  EXPECT_FALSE(is_external(initializer_of(inside, "w")));
  EXPECT_EQ(outside.bytes, inside.bytes);
  EXPECT_EQ(outside.fingerprint, inside.fingerprint);
  EXPECT_EQ(Session(outside.proto).run(inputs)[0].bytes, expected);
  EXPECT_EQ(serialize(inside.proto), serialize(before.proto));

  // And back into one file.
  FileTransaction again;
  save_model(outside.proto, folder / "b.onnx", again);
  again.publish();
  EXPECT_EQ(read_file(folder / "b.onnx"), serialize(before.proto));
}

// A tensor may hold its values in a typed field instead of bytes.
TEST_F(SaveInTwoFiles, ValuesInTypedFieldsAreKept) {
  Model before = two_layers();
  auto& map = *find_initializer(before.graph(), "map");
  const auto values = float_values(map);
  map.clear_raw_data();
  map.mutable_float_data()->Assign(values.begin(), values.end());
  FileTransaction files;
  save_model(before.proto, folder / "a.onnx", files, tiny);
  files.publish();
  EXPECT_EQ(float_values(initializer_of(load_model(folder / "a.onnx"), "map")), values);
  EXPECT_EQ(Session(before.proto, {.limits = tiny}).run(random_inputs(before.proto))[0].bytes,
            Session(before.proto).run(random_inputs(before.proto))[0].bytes);
}

TEST_F(SaveInTwoFiles, TheFingerprintIsOfWhatItSaysNotOfWhere) {
  Model changed = two_layers();
  changed.graph().mutable_initializer(0)->mutable_raw_data()->front() ^= 1;
  std::vector<std::string> fingerprints;
  for (const auto& [name, model] : {std::pair{"a", two_layers()}, {"b", two_layers()}, {"c", changed}}) {
    const auto path = folder / name / "model.onnx";
    std::filesystem::create_directories(path.parent_path());
    FileTransaction files;
    save_model(model.proto, path, files, tiny);
    files.publish();
    fingerprints.push_back(content_fingerprint(load_model(path, tiny).proto));
  }
  EXPECT_EQ(fingerprints[0], fingerprints[1]);
  EXPECT_NE(fingerprints[0], fingerprints[2]);
}

TEST_F(SaveInTwoFiles, OneFilePerTensorWithOffsets) {
  Model model = two_layers();
  for (auto& tensor : *model.graph().mutable_initializer()) {
    std::ofstream(folder / tensor.name(), std::ios::binary) << "12345678" << tensor.raw_data();
    set_external_place(tensor, {tensor.name(), 8, 0});
    tensor.mutable_external_data()->RemoveLast();  // no length: up to the end of the file
  }
  std::ofstream(folder / "c.onnx", std::ios::binary) << serialize(model.proto);
  for (const auto& limits : {WeightLimits{}, tiny}) {
    const Model loaded = load_model(folder / "c.onnx", limits);
    expect_same_function(two_layers().proto, loaded.proto, 0);
  }
}

TEST_F(SaveInTwoFiles, DataThatVanishesLaterIsNamed) {
  FileTransaction files;
  save_model(two_layers().proto, folder / "a.onnx", files, tiny);
  files.publish();
  const Model model = load_model(folder / "a.onnx", tiny);
  std::filesystem::remove(folder / "a.onnx.data");
  try {
    float_values(initializer_of(model, "w"));
    FAIL() << "was read";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::model);
    EXPECT_NE(std::string(error.what()).find("'w'"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("a.onnx.data"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace quantize::test
