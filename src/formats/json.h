// JSON whose numbers are 32-bit floats or 64-bit integers: a float is written with the fewest digits that read back as the same bits. Keys
// keep their order, so the same content gives the same bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace quantize {

using Json = nlohmann::basic_json<nlohmann::ordered_map, std::vector, std::string, bool, std::int64_t, std::uint64_t, float>;

// Throws Error{data}: "its "scale" is missing".
[[noreturn]] void refuse_field(const char* key, const std::string& what);

// Parses `bytes`, checks that they hold `format` of a version this program knows, and hands them to `read`. Whatever is wrong becomes an
// Error{data} that names the file.
void read_json(std::string_view bytes, const std::filesystem::path& name, const std::string& format, int version,
               const std::function<void(const Json&)>& read);

// A field that has to be there, as a T. Throws Error{data} naming it; `kind` says what it is to be: "a list of numbers".
template <typename T>
T field(const Json& json, const char* key, const char* kind) {
  const auto found = json.find(key);
  if (found == json.end()) refuse_field(key, "missing");
  try {
    return found->template get<T>();
  } catch (const Json::exception&) {
    refuse_field(key, std::string("not ") + kind);
  }
}

// One line per field, and per entry of the fields that are objects of objects: readable, and differences are short.
std::string write_json_lines(const Json& json);

}  // namespace quantize
