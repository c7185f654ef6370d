// patch_embedding.cpp - an image as projected patches.
#include "cases_linear.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(patch_embedding, registry::patch_embedding_cases)
