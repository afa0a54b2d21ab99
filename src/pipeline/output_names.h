// A name tells what is in a file: what another one is for is not written over with something else.
#pragma once

#include <filesystem>
#include <string>

namespace quantize {

enum class Written { model, json, page };

// Throws Error{usage} where the file would be named like a picture or tensor, or like a kind of result that it is not: no result of this
// program goes there, so what may be there already is something else of the user's. Likewise where a run's report is there already.
// `option` says what gave the name.
void refuse_name_of_another_kind(const std::string& option, const std::filesystem::path& file, Written what);

}  // namespace quantize
