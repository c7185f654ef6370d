// heads.cpp - a fused qkv taken apart into heads, and heads put together.
#include "cases_rows.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(heads, registry::heads_cases)
