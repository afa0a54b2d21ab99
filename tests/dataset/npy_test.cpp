#include "dataset/golden.h"

namespace quantize {
namespace {

using Proto = onnx::TensorProto;

// A .npy file of version 1 with any header and payload.
std::string npy(const std::string& header, std::size_t payload = 0, char version = 1) {
  std::string bytes = std::string("\x93NUMPY") + version + '\0';
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  if (version > 1) bytes += std::string(2, '\0');
  return bytes + header + std::string(payload, '\0');
}

std::string reason(const std::string& bytes) {
  std::string text = error_text([&] { parse_npy(bytes, "x.npy"); });
  EXPECT_TRUE(text.starts_with("x.npy: ")) << text;
  return text;
}

TEST(IsNpy, GoesByTheEndingInWhicheverCase) {
  EXPECT_TRUE(is_npy("folder/a.npy"));
  EXPECT_TRUE(is_npy("folder/a.NPY"));
  EXPECT_FALSE(is_npy("folder/a.npy.png"));
  EXPECT_FALSE(is_npy("npy"));
}

TEST(ReadNpy, ReadsFloatsAndIntegers) {
  const std::pair<const char*, ElementType> types[] = {
      {"f2", Proto::FLOAT16}, {"f4", Proto::FLOAT}, {"f8", Proto::DOUBLE}, {"i1", Proto::INT8},  {"u1", Proto::UINT8}, {"i2", Proto::INT16},
      {"u2", Proto::UINT16},  {"i4", Proto::INT32}, {"u4", Proto::UINT32}, {"i8", Proto::INT64}, {"u8", Proto::UINT64}};
  for (const auto& [kind, type] : types) {
    const Tensor tensor = read_npy(golden("array_" + std::string(kind) + ".npy"));
    EXPECT_EQ(tensor.type, type) << kind;
    EXPECT_EQ(tensor.shape, (Shape{2, 3})) << kind;
    EXPECT_EQ(float_values(to_proto("", tensor)), (std::vector<float>{0, 1, 2, 3, 100, 127})) << kind;
  }
}

TEST(ReadNpy, ReadsVersions2And3) {
  const Tensor first = read_npy(golden("array_f4.npy"));
  EXPECT_EQ(read_npy(golden("array_version2.npy")).bytes, first.bytes);
  EXPECT_EQ(read_npy(golden("array_version3.npy")).bytes, first.bytes);
}

TEST(ReadNpy, ReadsBoolAndScalar) {
  const Tensor flags = read_npy(golden("array_bool.npy"));
  EXPECT_EQ(flags.type, Proto::BOOL);
  EXPECT_EQ(flags.bytes[3], std::byte{1});
  const Tensor scalar = read_npy(golden("array_scalar.npy"));
  EXPECT_TRUE(scalar.shape.empty());
  EXPECT_EQ(scalar.as<float>()[0], 2.5F);
}

TEST(ReadNpy, RefusesOtherArrays) {
  const auto refused = [](const std::string& name) { return error_text([&] { read_npy(golden(name)); }); };
  expect_in("array_fortran.npy: is in Fortran order", refused("array_fortran.npy"));
  expect_in("is big endian (>f4)", refused("array_big_endian.npy"));
  expect_in("holds records", refused("array_records.npy"));
  expect_in("NumPy type '<c8'", refused("array_complex.npy"));
  expect_in("NumPy type '|O'", refused("array_objects.npy"));
  expect_in("not a .npy file", refused("rgb.png"));
  expect_in("no_such.npy", refused("no_such.npy"));
}

TEST(ParseNpy, AcceptsEveryOrderAndSpacing) {
  const Tensor tensor = parse_npy(npy("{\"shape\":(2L,),'fortran_order' : True ,\n'descr':'|u1'}  \n", 2), "x.npy");
  EXPECT_EQ(tensor.shape, Shape{2});
  EXPECT_EQ(tensor.bytes.size(), 2U);
}

TEST(ParseNpy, RefusesTruncatedFiles) {
  const std::string bytes = read_file(golden("array_f4.npy"));
  for (std::size_t size = 0; size < bytes.size(); ++size) reason(bytes.substr(0, size));
  expect_in("cut off", reason(bytes.substr(0, bytes.size() - 1)));
  expect_in("damaged", reason(bytes + "x"));
  expect_in("the file is empty", reason(""));
}

TEST(ParseNpy, RefusesLyingShapesWithoutAllocating) {
  const auto with_shape = [](const std::string& shape) {
    return npy("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + ", }", 16);
  };
  EXPECT_EQ(parse_npy(with_shape("(2, 2)"), "x.npy").size(), 4);
  expect_in("cut off", reason(with_shape("(1000000000000,)")));
  expect_in("cut off", reason(with_shape("(4294967296, 4294967296, 4)")));  // the product is 0 in 64 bits
  expect_in("damaged", reason(with_shape("(99999999999999999999999,)")));
  expect_in("damaged", reason(with_shape("(-1, 4)")));
  expect_in("holds no values", reason(with_shape("(0, 4)")));
}

TEST(ParseNpy, RefusesDamagedHeaders) {
  const std::string fine = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}";
  EXPECT_EQ(parse_npy(npy(fine, 4), "x.npy").size(), 1);
  for (std::size_t size = 0; size < fine.size(); ++size) expect_in("damaged", reason(npy(fine.substr(0, size), 4)));
  for (const char* header :
       {"{}", "[]", "{'descr': '<f4'}", "{'descr': '<f4', 'fortran_order': False, 'shape': (1 1)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}"}) {
    expect_in("damaged", reason(npy(header, 4)));
  }
  expect_in("NumPy type ''", reason(npy("{'descr': '', 'fortran_order': False, 'shape': (1,)}", 4)));
  expect_in("version 4", reason(npy(fine, 4, 4)));
}

}  // namespace
}  // namespace quantize
