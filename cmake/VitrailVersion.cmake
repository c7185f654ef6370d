# vitrail_version: read from the header, the one place that holds it.
set(vitrail_version "")
foreach(part MAJOR MINOR PATCH)
  file(STRINGS ${CMAKE_CURRENT_LIST_DIR}/../include/vitrail/version.hpp line
       REGEX "^#define VITRAIL_VERSION_${part} [0-9]+$")
  if(NOT line MATCHES " ([0-9]+)$")
    message(FATAL_ERROR "vitrail: VITRAIL_VERSION_${part} is not in include/vitrail/version.hpp")
  endif()
  list(APPEND vitrail_version ${CMAKE_MATCH_1})
endforeach()
list(JOIN vitrail_version "." vitrail_version)
