# Turns the report's page, style, script and the chart library into a C++ source, so that the program is one file and its reports open offline.
# src/report/assets.h declares what is generated here.
set(assets_source ${PROJECT_BINARY_DIR}/generated/assets.cpp)
set(uplot_root ${QUANTIZE_CACHE}/uplot-${QUANTIZE_UPLOT_VERSION})
set(page_root ${PROJECT_SOURCE_DIR}/src/report/page)
set(asset_files page_frame:${page_root}/frame.html report_page:${page_root}/report.html comparison_page:${page_root}/comparison.html
  sensitivity_page:${page_root}/sensitivity.html page_style:${page_root}/page.css
  words_script:${page_root}/words.js table_script:${page_root}/table.js charts_script:${page_root}/charts.js
  report_charts_script:${page_root}/report_charts.js pictures_script:${page_root}/pictures.js report_script:${page_root}/report.js
  comparison_script:${page_root}/comparison.js sensitivity_script:${page_root}/sensitivity.js
  uplot_script:${uplot_root}/dist/uPlot.iife.min.js uplot_style:${uplot_root}/dist/uPlot.min.css)
string(REGEX REPLACE "(^|;)[a-z_]+:" "\\1" asset_paths "${asset_files}")
add_custom_command(OUTPUT ${assets_source}
  COMMAND ${CMAKE_COMMAND} "-Dassets=${asset_files}" -Doutput=${assets_source} -P ${PROJECT_SOURCE_DIR}/cmake/WriteAssets.cmake
  DEPENDS ${asset_paths} ${PROJECT_SOURCE_DIR}/cmake/WriteAssets.cmake VERBATIM)
target_sources(quantize PRIVATE ${assets_source})
