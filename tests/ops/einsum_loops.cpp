// einsum_loops.cpp - a part of the table of einsum patterns, values and gradients.
#include "cases_einsum_table.hpp"

TEST_CASE("einsum table: loops") { registry::einsum_loops_table(); }
