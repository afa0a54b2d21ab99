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
file(GLOB schemas CONFIGURE_DEPENDS data/*.schema.json)
install(FILES ${schemas} DESTINATION ${CMAKE_INSTALL_DATADIR}/quantize)
install(DIRECTORY data/demo DESTINATION ${CMAKE_INSTALL_DATADIR}/quantize)  # for `quantize demo`
install(DIRECTORY data/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR})
# The program itself writes what is made from its table of options: the manual page and the shells' completions.
set(written_by_program
  "man>${CMAKE_INSTALL_MANDIR}/man1/quantize.1"
  "completions bash>${CMAKE_INSTALL_DATADIR}/bash-completion/completions/quantize"
  "completions zsh>${CMAKE_INSTALL_DATADIR}/zsh/site-functions/_quantize"
  "completions fish>${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d/quantize.fish")
foreach(line IN LISTS written_by_program)
  string(REGEX MATCH "^(.*)>(.*)$" matched "${line}")
  string(REPLACE " " "\" \"" words "${CMAKE_MATCH_1}")
  install(CODE "
    set(file \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_MATCH_2}\")
    message(STATUS \"Writing: \${file}\")
    get_filename_component(folder \"\${file}\" DIRECTORY)
    file(MAKE_DIRECTORY \"\${folder}\")
    execute_process(COMMAND \"$<TARGET_FILE:quantize_program>\" \"${words}\" OUTPUT_FILE \"\${file}\" COMMAND_ERROR_IS_FATAL ANY)")
endforeach()

install(EXPORT quantize-targets NAMESPACE quantize:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/quantize)
configure_package_config_file(cmake/quantize-config.cmake.in ${PROJECT_BINARY_DIR}/quantize-config.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/quantize)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/quantize-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/quantize-config.cmake ${PROJECT_BINARY_DIR}/quantize-config-version.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/quantize)
