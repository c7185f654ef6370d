// thrust.cu - the Thrust backend on the toolkit's Thrust, through nvcc, on the host's systems. Needs no device.
// test: separate
#include "catch.hpp"

#include <vitrail/backend/philox.hpp>
#include <vitrail/backend/serial.hpp>
#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/nn/policy_thrust.hpp>
#include <vitrail/ops/softmax.hpp>

#include <cstddef>
#include <vector>

using namespace vitrail;

namespace {

constexpr std::size_t rows = 300, width = 70;

template <class B>
std::vector<float> compute() {
  const B backend;
  std::vector<float> x(rows * width), y(rows * width), scores(rows * rows);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = normal_at<float>({1, 0, 1}, 0, i);
  backend.rows(rows, width, detail::SoftmaxForward<float>{width, x.data(), y.data()});
  Product<float> p;
  p.m = rows, p.n = rows, p.k = width;
  p.a = x.data(), p.a_row = width, p.b = y.data(), p.b_row = 1, p.b_column = width;
  p.c = scores.data(), p.c_row = rows;
  backend.product(p);
  return scores;
}
template <class B>
void check_against_serial() {
  const std::vector<float> found = compute<B>(), expected = compute<Serial>();
  for (std::size_t i = 0; i < expected.size(); ++i) REQUIRE(found[i] == Approx(expected[i]).epsilon(1e-4).margin(1e-5));
}

}  // namespace

TEST_CASE("the Thrust backend computes what Serial does when nvcc compiles it") {
  check_against_serial<thrust_sequential::backend>();
#ifdef _OPENMP
  check_against_serial<thrust_host::backend>();
#endif
}
