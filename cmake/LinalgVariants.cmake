# src/optimize/linalg_kernels.cpp is compiled once per instruction set, each with Eigen in a namespace of its own (so that no inline function of one
# variant can stand in for another's), and linalg.cpp picks the best one the processor has when the program runs.
set(linalg_source ${PROJECT_SOURCE_DIR}/src/optimize/linalg_kernels.cpp)
function(add_linalg_variant name)
  add_library(linalg_${name} OBJECT ${linalg_source})
  target_compile_definitions(linalg_${name} PRIVATE LINALG_VARIANT=${name} Eigen=Eigen_${name})
  target_compile_options(linalg_${name} PRIVATE ${ARGN} -O3
                         "$<$<CXX_COMPILER_ID:GNU>:-Wno-uninitialized;-Wno-maybe-uninitialized>")  # GCC bug 105593, in its AVX-512 headers
  target_include_directories(linalg_${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(linalg_${name} PRIVATE quantize_options)
  target_include_directories(linalg_${name} SYSTEM PRIVATE $<TARGET_PROPERTY:Eigen3::Eigen,INTERFACE_INCLUDE_DIRECTORIES>)
  target_sources(quantize PRIVATE $<TARGET_OBJECTS:linalg_${name}>)
endfunction()

add_linalg_variant(baseline)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_linalg_variant(avx2 -mavx2 -mfma)
  add_linalg_variant(avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma)
  target_compile_definitions(quantize PRIVATE LINALG_X86)
endif()
