# The optional parts vitrail::io, vitrail::images, vitrail::cuda, vitrail::gpu and vitrail::thrust. Read by our build and by the
# installed package.

# JSON and zlib, for the headers in io/ and for compressed files in data/.
set(vitrail_io_status "skipped: apt-get install nlohmann-json3-dev zlib1g-dev")
find_package(nlohmann_json QUIET CONFIG ${vitrail_global})
find_package(ZLIB QUIET ${vitrail_global})
if(nlohmann_json_FOUND AND ZLIB_FOUND)
  set(vitrail_io_status "nlohmann_json ${nlohmann_json_VERSION}, zlib ${ZLIB_VERSION_STRING}")
  if(NOT TARGET vitrail::io)
    add_library(vitrail::io INTERFACE IMPORTED ${vitrail_global})
    target_link_libraries(vitrail::io INTERFACE vitrail::vitrail nlohmann_json::nlohmann_json ZLIB::ZLIB)
  endif()
endif()

# libpng and TurboJPEG, for pictures. Not every distribution's TurboJPEG has a CMake package.
set(vitrail_images_status "skipped: VITRAIL_IMAGES is OFF")
if(NOT DEFINED VITRAIL_IMAGES OR VITRAIL_IMAGES)
  set(vitrail_images_status "skipped: apt-get install libpng-dev libturbojpeg0-dev")
  find_package(PNG QUIET ${vitrail_global})
  find_path(vitrail_turbojpeg_include turbojpeg.h NO_CACHE)
  find_library(vitrail_turbojpeg turbojpeg NO_CACHE)
  if(PNG_FOUND AND vitrail_turbojpeg_include AND vitrail_turbojpeg)
    set(vitrail_images_status "libpng ${PNG_VERSION_STRING}, TurboJPEG")
    if(NOT TARGET vitrail::images)
      add_library(vitrail::images INTERFACE IMPORTED ${vitrail_global})
      target_include_directories(vitrail::images INTERFACE ${vitrail_turbojpeg_include})
      target_link_libraries(vitrail::images INTERFACE vitrail::vitrail PNG::PNG ${vitrail_turbojpeg})
    endif()
  endif()
endif()

# constexpr functions of the standard library in device code, and OpenMP's threads in host code.
if(NOT TARGET vitrail::cuda)
  add_library(vitrail::cuda INTERFACE IMPORTED ${vitrail_global})
  target_link_libraries(vitrail::cuda INTERFACE vitrail::vitrail)
  target_compile_options(vitrail::cuda INTERFACE $<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:--expt-relaxed-constexpr>)
  if(OpenMP_CXX_FOUND)  # CMake's own target has the flag for C++ only
    target_compile_options(vitrail::cuda INTERFACE
                           "$<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:SHELL:-Xcompiler ${OpenMP_CXX_FLAGS}>")
  endif()
endif()

# vt::gpu (nn/policy_gpu.hpp) multiplies by cuBLASLt.
find_package(CUDAToolkit QUIET)
if(TARGET CUDA::cublasLt AND NOT TARGET vitrail::gpu)
  add_library(vitrail::gpu INTERFACE IMPORTED ${vitrail_global})
  target_link_libraries(vitrail::gpu INTERFACE vitrail::cuda CUDA::cublasLt)
endif()

# Thrust for C++ sources; nvcc brings its own. VITRAIL_THRUST chooses: system, toolkit, a directory, or the first found.
find_path(vitrail_thrust_system thrust/version.h NO_SYSTEM_ENVIRONMENT_PATH NO_CACHE)
find_program(vitrail_thrust_nvcc nvcc HINTS ENV CUDA_PATH PATHS /usr/local/cuda PATH_SUFFIXES bin NO_CACHE)
file(REAL_PATH "${vitrail_thrust_nvcc}" vitrail_thrust_nvcc)
find_path(vitrail_thrust_toolkit thrust/version.h PATHS ${vitrail_thrust_nvcc}/../.. PATH_SUFFIXES include/cccl include
          NO_DEFAULT_PATH NO_CACHE)
set(vitrail_thrust_kind "${VITRAIL_THRUST}")
if(NOT vitrail_thrust_kind)
  set(vitrail_thrust_kind toolkit)
  if(vitrail_thrust_system)
    set(vitrail_thrust_kind system)
  endif()
endif()
set(vitrail_thrust_include ${vitrail_thrust_kind})
if(vitrail_thrust_kind MATCHES "^(system|toolkit)$")
  set(vitrail_thrust_include ${vitrail_thrust_${vitrail_thrust_kind}})
endif()
set(vitrail_thrust_status "skipped: apt-get install libthrust-dev")
if(EXISTS "${vitrail_thrust_include}/thrust/version.h")
  set(vitrail_thrust_status "${vitrail_thrust_kind}")
  if(NOT TARGET vitrail::thrust)
    add_library(vitrail::thrust INTERFACE IMPORTED ${vitrail_global})
    target_link_libraries(vitrail::thrust INTERFACE vitrail::vitrail)
    target_include_directories(vitrail::thrust INTERFACE $<$<COMPILE_LANGUAGE:CXX>:${vitrail_thrust_include}>)
  endif()
endif()
