// version.hpp - the one place that holds the version; CMake reads it from here.
#pragma once

#define VITRAIL_VERSION_MAJOR 0
#define VITRAIL_VERSION_MINOR 1
#define VITRAIL_VERSION_PATCH 0
// 0.1.0 is 100: major * 10000 + minor * 100 + patch, so that versions compare as numbers.
#define VITRAIL_VERSION (VITRAIL_VERSION_MAJOR * 10000 + VITRAIL_VERSION_MINOR * 100 + VITRAIL_VERSION_PATCH)
