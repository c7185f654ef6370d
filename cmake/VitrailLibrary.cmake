# The target vitrail::vitrail: an include directory, C++20, Eigen, and OpenMP where there is one. Users get no more.
find_package(Eigen3 QUIET NO_MODULE)
if(NOT Eigen3_FOUND OR Eigen3_VERSION VERSION_LESS 3.4)
  message(FATAL_ERROR "vitrail needs Eigen 3.4 or newer: apt-get install libeigen3-dev")
endif()
find_package(OpenMP QUIET COMPONENTS CXX)
vitrail_report("Eigen" "${Eigen3_VERSION}")
if(OpenMP_CXX_FOUND)
  vitrail_report("OpenMP" "${OpenMP_CXX_VERSION}")
else()
  vitrail_report("OpenMP" "skipped, the compiler has none: one thread")
endif()

add_library(vitrail INTERFACE)
add_library(vitrail::vitrail ALIAS vitrail)
target_compile_features(vitrail INTERFACE cxx_std_20)
target_link_libraries(vitrail INTERFACE Eigen3::Eigen $<TARGET_NAME_IF_EXISTS:OpenMP::OpenMP_CXX>)

set(vitrail_global GLOBAL)  # visible to whoever adds this directory
include(${CMAKE_CURRENT_LIST_DIR}/vitrail-components.cmake)
vitrail_report("vitrail::io" "${vitrail_io_status}")
vitrail_report("vitrail::images" "${vitrail_images_status}")
vitrail_report("vitrail::thrust" "${vitrail_thrust_status}")

# Headers in five sets: what the core target compiles alone, and what needs more. A header's place says which.
set(vitrail_include ${PROJECT_SOURCE_DIR}/include)
file(GLOB_RECURSE vitrail_headers CONFIGURE_DEPENDS ${vitrail_include}/vitrail/*.hpp ${vitrail_include}/vitrail/*.cuh)
set(vitrail_headers_io ${vitrail_headers})
list(FILTER vitrail_headers_io INCLUDE REGEX "/vitrail/(io|data)/")
set(vitrail_headers_images ${vitrail_headers_io})
list(FILTER vitrail_headers_images INCLUDE REGEX "/vitrail/io/(png|jpeg|image_file)\\.hpp$")
set(vitrail_headers_cuda ${vitrail_headers})
list(FILTER vitrail_headers_cuda INCLUDE REGEX "/vitrail/(.*[/_])?(cuda|gpu)|\\.cuh$")
set(vitrail_headers_thrust ${vitrail_headers})
list(FILTER vitrail_headers_thrust INCLUDE REGEX "/vitrail/(.*[/_])?thrust")
list(REMOVE_ITEM vitrail_headers_thrust ${vitrail_headers_cuda})
list(REMOVE_ITEM vitrail_headers_io ${vitrail_headers_images})
list(REMOVE_ITEM vitrail_headers ${vitrail_headers_io} ${vitrail_headers_images} ${vitrail_headers_cuda}
     ${vitrail_headers_thrust})

set(vitrail_header_sets HEADERS io images cuda thrust)
target_sources(vitrail INTERFACE
  FILE_SET HEADERS BASE_DIRS ${vitrail_include} FILES ${vitrail_headers}
  FILE_SET io TYPE HEADERS BASE_DIRS ${vitrail_include} FILES ${vitrail_headers_io}
  FILE_SET images TYPE HEADERS BASE_DIRS ${vitrail_include} FILES ${vitrail_headers_images}
  FILE_SET cuda TYPE HEADERS BASE_DIRS ${vitrail_include} FILES ${vitrail_headers_cuda}
  FILE_SET thrust TYPE HEADERS BASE_DIRS ${vitrail_include} FILES ${vitrail_headers_thrust})

# Every header compiles alone: the target all_verify_interface_header_sets. The CUDA set is compiled by the CUDA test.
set(verified HEADERS)
if(TARGET vitrail::io)
  list(APPEND verified io)
endif()
if(TARGET vitrail::images)
  list(APPEND verified images)
endif()
if(TARGET vitrail::thrust AND vitrail_thrust_kind STREQUAL "system")
  list(APPEND verified thrust)
endif()
set_target_properties(vitrail PROPERTIES
  VERIFY_INTERFACE_HEADER_SETS ${PROJECT_IS_TOP_LEVEL} INTERFACE_HEADER_SETS_TO_VERIFY "${verified}")
