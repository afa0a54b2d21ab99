// The manual page, written from the option table.
#pragma once

#include <span>
#include <string>

#include "option_table.h"

namespace quantize::cli {

// In the man macros of roff. The same table gives the same bytes: there is no date in it.
std::string man_page(std::span<const CommandRow> table, const std::string& version);

}  // namespace quantize::cli
