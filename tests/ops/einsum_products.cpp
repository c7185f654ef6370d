// einsum_products.cpp - a part of the table of einsum patterns, values and gradients.
#include "cases_einsum_table.hpp"

TEST_CASE("einsum table: products") { registry::einsum_products_table(); }
