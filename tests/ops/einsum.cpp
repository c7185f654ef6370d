// einsum.cpp - einsum, and attention written out with it.
#include "cases_einsum.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(einsum, registry::einsum_cases)
