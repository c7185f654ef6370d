// window_attention.cpp - attention in windows and shifted windows.
#include "cases_attention.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(window_attention, registry::window_attention_cases)
