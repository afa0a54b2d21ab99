#include "dataset/npy.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <optional>

#include "base/files.h"
#include "base/lower_case.h"
#include "dataset/bad_file.h"

namespace quantize {
namespace {

using Proto = onnx::TensorProto;

constexpr std::size_t max_rank = 64;

// What the header, a Python dict such as {'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }, says.
struct Header {
  std::optional<std::string> descr;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;
};

class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Header parse() {
    Header header;
    expect('{');
    while (!accept('}')) {
      read_entry(header);
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (!text_.empty() || !header.descr || !header.fortran_order || !header.shape) damaged();
    return header;
  }

 private:
  [[noreturn]] void damaged() const { bad_file(name_, "the header of the .npy file is damaged"); }

  void skip_space() {
    while (!text_.empty() && std::isspace(static_cast<unsigned char>(text_.front())) != 0) text_.remove_prefix(1);
  }

  bool accept(char wanted) {
    skip_space();
    if (text_.empty() || text_.front() != wanted) return false;
    text_.remove_prefix(1);
    return true;
  }

  void expect(char wanted) {
    if (!accept(wanted)) damaged();
  }

  bool accept_word(std::string_view word) {
    skip_space();
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }

  std::string read_string() {
    const char quote = accept('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const auto end = text_.find(quote);
    if (end == std::string_view::npos) damaged();
    std::string value(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return value;
  }

  void read_entry(Header& header) {
    const std::string key = read_string();
    expect(':');
    skip_space();
    if (key == "descr") {
      if (!text_.empty() && text_.front() == '[') bad_file(name_, "holds records; only plain arrays of numbers are read");
      header.descr = read_string();
    } else if (key == "fortran_order") {
      header.fortran_order = accept_word("True");
      if (!*header.fortran_order && !accept_word("False")) damaged();
    } else if (key == "shape") {
      header.shape = read_shape();
    } else {
      damaged();
    }
  }

  std::int64_t read_dimension() {
    skip_space();
    std::int64_t value = 0;
    std::size_t digits = 0;
    for (; digits < text_.size() && std::isdigit(static_cast<unsigned char>(text_[digits])) != 0; ++digits) {
      if (digits == 18) damaged();  // more does not fit in 64 bits
      value = value * 10 + (text_[digits] - '0');
    }
    if (digits == 0) damaged();
    text_.remove_prefix(digits);
    if (!text_.empty() && text_.front() == 'L') text_.remove_prefix(1);  // a Python 2 long
    return value;
  }

  Shape read_shape() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      if (shape.size() == max_rank) damaged();
      shape.push_back(read_dimension());
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }

  std::string_view text_;
  const std::string& name_;
};

ElementType element_type(const std::string& descr, const std::string& name) {
  static const std::pair<const char*, ElementType> types[] = {{"f4", Proto::FLOAT},  {"f8", Proto::DOUBLE}, {"f2", Proto::FLOAT16},
                                                              {"b1", Proto::BOOL},   {"i1", Proto::INT8},   {"u1", Proto::UINT8},
                                                              {"i2", Proto::INT16},  {"u2", Proto::UINT16}, {"i4", Proto::INT32},
                                                              {"u4", Proto::UINT32}, {"i8", Proto::INT64},  {"u8", Proto::UINT64}};
  const std::string kind = descr.substr(std::min<std::size_t>(descr.size(), 1));
  for (const auto& [known, type] : types) {
    if (kind != known) continue;
    if (descr[0] == '>' && element_size(type) > 1) {
      bad_file(name, "is big endian (" + descr + "); save it as little endian");
    }
    if (std::string_view("<|=>").find(descr[0]) != std::string_view::npos) return type;
  }
  bad_file(name, "holds values of NumPy type '" + descr + "'; floats, integers and bool are read");
}

// Compared with what is there before anything is allocated: a header may claim any size.
void check_payload(const Shape& shape, std::size_t value_size, std::size_t payload, const std::string& name) {
  constexpr auto too_many = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t needed = value_size;
  for (const auto dimension : shape) {
    if (dimension == 0) bad_file(name, "holds no values (shape " + to_string(shape) + ")");
    const auto factor = static_cast<std::uint64_t>(dimension);
    needed = needed > too_many / factor ? too_many : needed * factor;
  }
  const std::string has = "shape " + to_string(shape) + " does not fit its " + std::to_string(payload) + " bytes of values";
  if (payload < needed) bad_file(name, "the .npy file is cut off: " + has);
  if (payload > needed) bad_file(name, "the .npy file is damaged: " + has);
}

}  // namespace

Tensor parse_npy(std::string_view bytes, const std::string& name) {
  if (bytes.empty()) bad_file(name, "the file is empty");
  if (!bytes.starts_with("\x93NUMPY")) bad_file(name, "not a .npy file");
  const int version = bytes.size() > 6 ? bytes[6] : 0;
  const std::size_t length_size = version == 1 ? 2 : 4;
  if (bytes.size() < 8 + length_size) bad_file(name, "the .npy file is cut off");
  if (version < 1 || version > 3) bad_file(name, "is a .npy file of version " + std::to_string(version) + "; 1 to 3 are read");
  std::size_t length = 0;
  for (std::size_t i = length_size; i-- > 0;) length = length << 8 | static_cast<unsigned char>(bytes[8 + i]);
  bytes.remove_prefix(8 + length_size);
  if (bytes.size() < length) bad_file(name, "the .npy file is cut off");

  const Header header = HeaderParser(bytes.substr(0, length), name).parse();
  const ElementType type = element_type(*header.descr, name);
  if (*header.fortran_order && header.shape->size() > 1) bad_file(name, "is in Fortran order; save numpy.ascontiguousarray(...) instead");
  const auto payload = bytes.substr(length);
  check_payload(*header.shape, element_size(type), payload.size(), name);
  const auto* first = reinterpret_cast<const std::byte*>(payload.data());
  return {type, *header.shape, {first, first + payload.size()}};
}

bool is_npy(const std::filesystem::path& path) { return lower_case(path.extension().string()) == ".npy"; }

Tensor read_npy(const std::filesystem::path& path) { return parse_npy(read_file(path), path.string()); }

}  // namespace quantize
