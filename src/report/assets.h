// The files of src/report/page/ and the chart library, embedded at build time (cmake/EmbedAssets.cmake).
#pragma once

#include <string_view>

namespace quantize::assets {

extern const std::string_view report_page, report_style, report_script, uplot_script, uplot_style;

}  // namespace quantize::assets
