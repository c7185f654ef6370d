// conv2d.cpp - convolutions.
#include "cases_conv.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(conv2d, registry::conv_cases)
