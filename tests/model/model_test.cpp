#include "model/model.h"

#include <gtest/gtest.h>

#include "model/tensor.h"
#include "support/error_text.h"
#include "support/folder_test.h"
#include "support/run_model.h"
#include "support/text_model.h"

namespace quantize::test {
namespace {

constexpr const char* graph = R"(g (float[1,1,4,4] x) => (float[1,1,3,3] y) <float[1,1,2,2] w> { y = Conv (x, w) })";

using Load = FolderTest;

std::string refusal_of(const std::function<void()>& body) { return error_text(body, ErrorKind::model); }

std::string refusal_of_file(const std::filesystem::path& path) {
  return refusal_of([&] { load_model(path); });
}

void move_out(onnx::TensorProto& tensor, const std::map<std::string, std::string>& place) {
  tensor.clear_raw_data();
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] : place) {
    auto& entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(value);
  }
}

Model external_model(const std::string& location, const std::string& offset = "0", const std::string& length = "16") {
  Model model = text_model(graph);
  move_out(*model.graph().mutable_initializer(0), {{"location", location}, {"offset", offset}, {"length", length}});
  return model;
}

TEST_F(Load, AValidModel) {
  const std::string bytes = serialize(text_model(graph).proto);
  const Model model = load_model(write("a.onnx", bytes));
  EXPECT_EQ(model.graph().node_size(), 1);
  EXPECT_EQ(model.bytes, bytes.size());
  EXPECT_EQ(model.fingerprint, fingerprint(bytes));
}

TEST_F(Load, EmptyMissingAndForeignFilesAreNamed) {
  EXPECT_NE(refusal_of_file(write("empty.onnx", "")).find("empty.onnx is empty"), std::string::npos);
  EXPECT_NE(refusal_of_file(folder / "none.onnx").find("none.onnx"), std::string::npos);
  EXPECT_NE(refusal_of_file(folder).find("folder"), std::string::npos);
  EXPECT_NE(refusal_of_file(write("text.onnx", "import torch\n")).find("text.onnx"), std::string::npos);
}

TEST_F(Load, EveryTruncationIsRefused) {
  const std::string bytes = serialize(text_model(graph).proto);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_NE(refusal_of([&] { parse_model(bytes.substr(0, size), "cut.onnx"); }), "") << size << " of " << bytes.size();
  }
}

TEST_F(Load, DamagedBytesNeverDoWorseThanAnError) {
  const std::string bytes = serialize(text_model(graph).proto);
  for (std::size_t place = 0; place < bytes.size(); ++place) {
    for (const int flip : {1, 0x80, 0xFF}) {
      std::string damaged = bytes;
      damaged[place] = static_cast<char>(damaged[place] ^ flip);
      refusal_of([&] { parse_model(damaged, "damaged.onnx"); });
    }
  }
}

TEST_F(Load, GraphsWithoutNodesOrOutputsAreRefused) {
  Model model = text_model(graph);
  model.graph().clear_output();
  EXPECT_NE(refusal_of([&] { parse_model(serialize(model.proto), "a"); }).find("no output"), std::string::npos);
  model.graph().clear_node();
  EXPECT_NE(refusal_of([&] { parse_model(serialize(model.proto), "a"); }).find("no graph"), std::string::npos);
}

TEST_F(Load, UnsortedNodesAreSortedAndCyclesRefused) {
  Model model = text_model("g (float[2] x) => (float[2] y) { t = Relu (x)  y = Neg (t) }");
  model.graph().mutable_node()->SwapElements(0, 1);
  EXPECT_EQ(operators(parse_model(serialize(model.proto), "a")), "Relu Neg");
  model.graph().mutable_node(1)->set_input(0, "y");
  EXPECT_NE(refusal_of([&] { parse_model(serialize(model.proto), "a"); }).find("topologically sorted"), std::string::npos);
}

TEST_F(Load, ExternalDataIsReadIn) {
  const float values[] = {9, 1, 2, 3, 4};
  write("w.bin", {reinterpret_cast<const char*>(values), sizeof values});
  const Model model = load_model(write("a.onnx", serialize(external_model("w.bin", "4").proto)));
  EXPECT_EQ(float_values(initializer_of(model, "w")), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(model.bytes, std::filesystem::file_size(folder / "a.onnx") + sizeof values);
  EXPECT_EQ(initializer_of(model, "w").data_location(), onnx::TensorProto::DEFAULT);
}

TEST_F(Load, ExternalDataOfALocalFunctionIsReadIn) {
  const float values[] = {1, 2};
  write("k.bin", {reinterpret_cast<const char*>(values), sizeof values});
  Model model = text_model(R"(<ir_version: 8, opset_import: ["" : 17, "own" : 1]> g (float[2] x) => (float[2] y) { y = own.scale (x) }
    <domain: "own", opset_import: ["" : 17]> scale (x) => (y) { k = Constant <value = float[2] {0, 0}> ()  y = Mul (x, k) })");
  auto& constant = *model.proto.mutable_functions(0)->mutable_node(0)->mutable_attribute(0)->mutable_t();
  constant.clear_float_data();
  move_out(constant, {{"location", "k.bin"}});
  const Model after = load_model(write("a.onnx", serialize(model.proto)));
  EXPECT_EQ(float_values(after.proto.functions(0).node(0).attribute(0).t()), (std::vector<float>{1, 2}));
}

TEST_F(Load, NothingIsClaimedAboutWeights) {
  Model model = text_model("g (float[1,1,4,4] x) => (float[1,1,3,3] y) <float[1,1,2,2] w> { t = Conv (x, w)  y = Relu (t) }");
  for (const char* name : {"w", "t"}) {
    auto& value = *model.graph().add_value_info();
    value.set_name(name);
    value.mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::FLOAT);
    value.mutable_type()->mutable_tensor_type()->mutable_shape();
  }
  const Model after = load_model(write("a.onnx", serialize(model.proto)));
  ASSERT_EQ(after.graph().value_info_size(), 1);
  EXPECT_EQ(after.graph().value_info(0).name(), "t");
}

// Such as the regions of a Resize, which few give: the rest of the file is not theirs.
TEST_F(Load, ATensorWithoutElementsHasNoExternalData) {
  write("w.bin", std::string(16, '\1'));
  const Model before = text_model(R"(g (float[1,1,2,2] x) => (float[1,1,4,4] y) <float[0] roi, float[4] scales = {1, 1, 2, 2}> {
    y = Resize (x, roi, scales)
  })");
  for (const std::map<std::string, std::string>& place :
       {std::map<std::string, std::string>{{"location", "w.bin"}, {"offset", "4"}, {"length", "0"}}, {{"location", "w.bin"}}}) {
    Model model = before;
    for (auto& tensor : *model.graph().mutable_initializer()) {
      if (tensor.name() == "roi") move_out(tensor, place);
    }
    const Model after = load_model(write("a.onnx", serialize(model.proto)));
    EXPECT_TRUE(float_values(initializer_of(after, "roi")).empty());
    expect_same_function(before.proto, after.proto, 0);
  }
}

// Some writers put a length of 0 where they mean none.
TEST_F(Load, WithoutALengthExternalDataGoesToTheEndOfTheFile) {
  const float values[] = {1, 2, 3, 4};
  write("w.bin", {reinterpret_cast<const char*>(values), sizeof values});
  const Model model = load_model(write("a.onnx", serialize(external_model("w.bin", "0", "0").proto)));
  EXPECT_EQ(float_values(initializer_of(model, "w")), (std::vector<float>{1, 2, 3, 4}));
}

TEST_F(Load, TheFingerprintCoversExternalData) {
  write("w.bin", std::string(16, '\0'));
  const auto file = write("a.onnx", serialize(external_model("w.bin").proto));
  const auto before = load_model(file).fingerprint;
  write("w.bin", std::string(15, '\0') + "\1");
  EXPECT_NE(load_model(file).fingerprint, before);
}

TEST_F(Load, ExternalDataOutsideTheFolderIsRefused) {
  write("w.bin", std::string(16, '\0'));
  for (const std::string location : {"../w.bin", "/etc/hostname", "inner/../../w.bin", ".."}) {
    const auto text = refusal_of_file(write("inner/a.onnx", serialize(external_model(location).proto)));
    EXPECT_NE(text.find("outside"), std::string::npos) << location << ": " << text;
  }
}

TEST_F(Load, TruncatedExternalDataIsRefused) {
  write("w.bin", std::string(16, '\0'));
  const auto refusal = [&](const std::string& offset, const std::string& length) {
    return refusal_of_file(write("a.onnx", serialize(external_model("w.bin", offset, length).proto)));
  };
  EXPECT_EQ(refusal("0", "16"), "");
  EXPECT_NE(refusal("4", "16").find("truncated"), std::string::npos);
  EXPECT_NE(refusal("17", "16").find("beyond"), std::string::npos);
  EXPECT_NE(refusal("0", "18446744073709551615").find("truncated"), std::string::npos);
  EXPECT_NE(refusal("many", "16").find("unreadable"), std::string::npos);
  EXPECT_NE(refusal_of_file(write("a.onnx", serialize(external_model("none.bin").proto))).find("none.bin"), std::string::npos);
}

TEST(RefuseQuantized, NamesTheNode) {
  const Model model = text_model(R"(g (float[2] x) => (float[2] y) <float s = {1}, uint8 z = {0}> {
    q = QuantizeLinear (x, s, z)
    y = DequantizeLinear (q, s, z)
  })");
  const auto text = refusal_of([&] { refuse_quantized(model); });
  EXPECT_NE(text.find("already quantized"), std::string::npos);
  EXPECT_NE(text.find("'q'"), std::string::npos);
}

// A constant condition would make the branch a part of the graph.
TEST(RefuseQuantized, LooksIntoBodies) {
  const Model model = text_model(R"(g (float[2] x) => (float[2] y) <bool c = {1}, float s = {1}, uint8 z = {0}> {
    y = If (c) <
      then_branch = t () => (float[2] p) {
        p = If (c) <
          then_branch = t2 () => (float[2] p2) { q = QuantizeLinear (x, s, z)  p2 = DequantizeLinear (q, s, z) },
          else_branch = e2 () => (float[2] q2) { q2 = Neg (x) }>
      },
      else_branch = e () => (float[2] r) { r = Relu (x) }>
  })");
  EXPECT_NE(refusal_of([&] { refuse_quantized(model); }).find("(node 'q' is a QuantizeLinear)"), std::string::npos);
}

// So would raising the opset with a function; one that nobody calls changes nothing.
TEST(RefuseQuantized, LooksIntoFunctionsThatAreCalled) {
  const std::string functions = R"(
    <domain: "own", opset_import: ["" : 17]> outer (x) => (y) { y = Identity (x) }
    <domain: "own", opset_import: ["" : 17]> inner (x) => (y) {
      s = Constant <value = float {1}> ()
      q = QuantizeLinear (x, s)
      y = DequantizeLinear (q, s)
    })";
  const auto model_calling = [&](const std::string& name) {
    return text_model(R"(<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
      g (float[2] x) => (float[2] y) { y = own.)" +
                      name + " (x) }" + functions);
  };
  EXPECT_EQ(refusal_of([&] { refuse_quantized(model_calling("outer")); }), "");
  Model model = model_calling("inner");
  EXPECT_NE(refusal_of([&] { refuse_quantized(model); }).find("(node 'q' is a QuantizeLinear)"), std::string::npos);
  model = model_calling("outer");
  auto& outer = *model.proto.mutable_functions(0)->mutable_node(0);
  outer.set_domain("own");
  outer.set_op_type("inner");
  EXPECT_NE(refusal_of([&] { refuse_quantized(model); }), "");
}

TEST(RefuseQuantized, FloatModelsPass) {
  EXPECT_EQ(refusal_of([] { refuse_quantized(text_model(graph)); }), "");
}

TEST(Opset, ReadAndSet) {
  Model model = text_model(graph, 13);
  EXPECT_EQ(opset_of(model.proto), 13);
  set_opset(model.proto, 21);
  EXPECT_EQ(opset_of(model.proto), 21);
}

TEST(Serialize, IsDeterministic) { EXPECT_EQ(serialize(text_model(graph).proto), serialize(text_model(graph).proto)); }

}  // namespace
}  // namespace quantize::test
