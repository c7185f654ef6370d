# Options, the summary that ends a configuration, and the flags of our own programs (never of a user's).
option(VITRAIL_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(VITRAIL_BUILD_EXAMPLES "Build the examples" ${PROJECT_IS_TOP_LEVEL})
option(VITRAIL_BUILD_BENCHMARKS "Build the benchmarks" ${PROJECT_IS_TOP_LEVEL})
option(VITRAIL_QUICK_EXAMPLES "Compile the examples but train_vit with -O1, to see that they work" OFF)
option(VITRAIL_INSTALL "Make install rules" ${PROJECT_IS_TOP_LEVEL})
option(VITRAIL_WARNINGS_AS_ERRORS "Warnings in our own programs are errors" OFF)
option(VITRAIL_IMAGES "PNG and JPEG files (vitrail::images), where libpng and TurboJPEG are found" ON)
set(VITRAIL_CUDA AUTO CACHE STRING "CUDA tests: AUTO (where nvcc 13 or newer is found), ON (or stop), OFF")
option(VITRAIL_CUDA_DEVICE_TESTS "Compile the tests of the emulated GPU for a real one (some 60 s each)" OFF)
option(VITRAIL_CUDA_NAMED_MODELS "Compile every named model for the GPU with the CUDA tests (some 40 s each)" OFF)
set(VITRAIL_THRUST "" CACHE STRING "Thrust for vitrail::thrust: system, toolkit or a directory; empty: the first found")
set(VITRAIL_TEST_STACK_KIB 256 CACHE STRING "Stack in KiB under which the tests run")
set(VITRAIL_TEST_PATIENCE 1 CACHE STRING "Factor of the tests' time limits, for sanitizers")

# vitrail_report(PART TEXT): one STATUS line now (top level only) and one line of the summary.
function(vitrail_report part text)
  set_property(GLOBAL APPEND PROPERTY vitrail_summary "${part}: ${text}")
  if(text MATCHES "^skipped")
    message(STATUS "vitrail: ${part} ${text}")
  endif()
endfunction()

function(vitrail_print_summary)
  if(NOT PROJECT_IS_TOP_LEVEL)
    return()
  endif()
  set(compiler "${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
  message(STATUS "vitrail ${PROJECT_VERSION}, ${compiler}, build type '${CMAKE_BUILD_TYPE}'")
  get_property(lines GLOBAL PROPERTY vitrail_summary)
  foreach(line IN LISTS lines)
    message(STATUS "  ${line}")
  endforeach()
endfunction()

# What our own tests, examples and benchmarks are compiled with.
add_library(vitrail_developer INTERFACE)
target_compile_options(vitrail_developer INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wshadow;-Wconversion;-Wframe-larger-than=65536>
  # clang counts signs to -Wconversion, g++ does not.
  $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-sign-conversion>
  # g++ 12 is wrong about std::string + text (copies that overlap) and vector == vector (a length below zero).
  $<$<AND:$<COMPILE_LANG_AND_ID:CXX,GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
  $<$<AND:$<COMPILE_LANG_AND_ID:CXX,GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-stringop-overread>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${VITRAIL_WARNINGS_AS_ERRORS}>>:-Werror>)
