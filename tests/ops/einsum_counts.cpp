// einsum_counts.cpp - a part of the table of einsum patterns, values and gradients.
#include "cases_einsum_table.hpp"

TEST_CASE("einsum table: counts") { registry::einsum_counts_table(); }

TEST_CASE("einsum: a parameter may stand anywhere") {
  using namespace registry;
  const vt::OpenMP backend;
  vt::Tape<vt::cpu, false> tape(backend);
  tape.begin(1);
  const float x[] = {1, 2, 3}, weight[] = {1, 10, 100, 2, 20, 200};
  const auto v = tape.template input<vt::Shape<3>, true>(x);
  const vt::Parameter<vt::Shape<2, 3>, float, true, true, void> w{weight, 0};
  vt::Var one = vt::einsum<"i j, j -> i">(w, v);
  vt::Var other = vt::einsum<"j, i j -> i">(v * 2.0, w);
  vt::Var three = vt::einsum<"i j, j, i k -> k">(w, v, w);
  CHECK((one.data[0] == 321 && one.data[1] == 642));
  CHECK((other.data[0] == 642 && other.data[1] == 1284));
  CHECK((three.data[0] == 1605 && three.data[1] == 16050 && three.data[2] == 160500));
}
