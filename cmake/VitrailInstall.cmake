# Installs headers, a CMake package under share/cmake/vitrail and vitrail.pc; nothing depends on the architecture.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_DATADIR}/cmake/vitrail)
set(file_sets "")
foreach(set IN LISTS vitrail_header_sets)
  list(APPEND file_sets FILE_SET ${set} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
endforeach()
install(TARGETS vitrail EXPORT vitrailTargets ${file_sets})
install(EXPORT vitrailTargets NAMESPACE vitrail:: DESTINATION ${package_dir})

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/vitrailConfig.cmake.in vitrailConfig.cmake
                              INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(vitrailConfigVersion.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vitrailConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/vitrailConfigVersion.cmake
              ${CMAKE_CURRENT_LIST_DIR}/vitrail-components.cmake DESTINATION ${package_dir})

configure_file(${CMAKE_CURRENT_LIST_DIR}/vitrail.pc.in vitrail.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/vitrail.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
