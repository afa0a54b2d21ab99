// The files of src/report/page/ and the chart library, embedded at build time (cmake/EmbedAssets.cmake).
#pragma once

#include <string_view>

namespace quantize::assets {

extern const std::string_view page_frame, report_page, comparison_page, sensitivity_page, page_style;
extern const std::string_view words_script, table_script, charts_script, report_charts_script, pictures_script, report_script,
    comparison_script, sensitivity_script;
extern const std::string_view uplot_script, uplot_style;

}  // namespace quantize::assets
