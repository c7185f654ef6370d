// rearrange.cu - patterns, bindings and what moves data through nvcc: its front end takes them, and what comes out runs
// on the host. Needs no device.
// test: separate, timeout 300
#include "catch.hpp"

#include <vitrail/autodiff/gradient_check.hpp>
#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/ops/concat.hpp>
#include <vitrail/ops/embedding.hpp>
#include <vitrail/ops/permute.hpp>
#include <vitrail/ops/rearrange.hpp>
#include <vitrail/ops/slice.hpp>

#include <array>
#include <cstddef>
#include <numeric>

namespace vt = vitrail;

TEST_CASE("what moves data, forward and backward, when nvcc compiles it") {
  const vt::Serial backend;
  vt::Tape<vt::serial, true> tape(backend);
  tape.begin(1);
  std::array<float, 24> values{};
  std::iota(values.begin(), values.end(), 0.0f);
  const int index = 1;
  auto x = tape.tracked_input<vt::Shape<2, 3, 4>, true>(values.data());
  auto table = tape.tracked_input<vt::Shape<2, 12>, false>(values.data());
  vt::Var patches = vt::rearrange<"c h (w q) -> (h w) (c q)", vt::with{.q = 2}>(x);  // [6, 4]
  vt::Var taller = vt::repeat<"n d -> (n r) d", vt::with{.r = 2}>(vt::slice<0, 1, 3>(patches));
  vt::Var row = vt::reshape<vt::Shape<3, 4>>(vt::embedding(tape.labels(&index), table));
  vt::Var all = vt::concat<0>(taller, vt::pad<0, 1, 0>(row), vt::permute<1, 0>(vt::transpose(row)));  // [11, 4]
  CHECK(all.data[0] == patches.data[4]);
  CHECK(all.data[4] == patches.data[4]);
  CHECK(all.data[16] == 0);
  CHECK(all.data[20] == 12);
  CHECK(all.data[43] == 23);
  std::array<float, 44> weights{};  // the gradient of `all`
  std::iota(weights.begin(), weights.end(), 0.0f);
  tape.backward(vt::detail::weighted_sum(all, weights.data()));
  CHECK(tape.gradient(patches)[4] == 0 + 4);
  CHECK(tape.gradient(patches)[0] == 0);
  CHECK(tape.gradient(x)[2] == tape.gradient(patches)[4]);
  CHECK(tape.gradient(table)[12] == 20 + 32);
  CHECK(tape.gradient(table)[0] == 0);
}
