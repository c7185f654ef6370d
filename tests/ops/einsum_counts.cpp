// einsum_counts.cpp - a part of the table of einsum patterns, values and gradients.
#include "cases_einsum_table.hpp"

TEST_CASE("einsum table: counts") { registry::einsum_counts_table(); }
