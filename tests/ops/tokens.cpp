// tokens.cpp - class token and positions, pooling, dropout and drop path.
#include "cases_tokens.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(tokens, registry::token_cases)
