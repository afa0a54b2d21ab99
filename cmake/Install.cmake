# cmake --install: the program, the library with its headers, and a CMake package (find_package(quantize)).
include(CMakePackageConfigHelpers)

set_target_properties(quantize_program PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
install(TARGETS quantize onnx_bundle EXPORT quantize-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${onnx_root}/lib/libonnx.a ${onnx_root}/lib/libonnx_proto.a DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS quantize_program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY src/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/quantize FILES_MATCHING PATTERN "*.h")
install(DIRECTORY ${onnx_root}/include/onnx DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/quantize/onnx FILES_MATCHING PATTERN "*.h")
# ONNX Runtime travels along, so that the installed program finds it without LD_LIBRARY_PATH.
get_target_property(ort_file onnxruntime::onnxruntime IMPORTED_LOCATION)
if(NOT ort_file)
  get_target_property(ort_file onnxruntime::onnxruntime IMPORTED_LOCATION_RELEASE)
endif()
file(REAL_PATH ${ort_file} ort_real_file)
install(FILES ${ort_real_file} DESTINATION ${CMAKE_INSTALL_LIBDIR} RENAME libonnxruntime.so.1)
install(FILES data/report.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/quantize)

install(EXPORT quantize-targets NAMESPACE quantize:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/quantize)
configure_package_config_file(cmake/quantize-config.cmake.in ${PROJECT_BINARY_DIR}/quantize-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/quantize)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/quantize-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/quantize-config.cmake ${PROJECT_BINARY_DIR}/quantize-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/quantize)
