// unit.cpp - compiled twice, under two names and two sets of flags: kernels, Eigen and random numbers.
#include <vitrail/backend/openmp.hpp>
#include <vitrail/backend/philox.hpp>
#include <vitrail/backend/serial.hpp>
#include <vitrail/error.hpp>
#include <vitrail/nn/policy_serial.hpp>

#include <cstddef>
#include <vector>

using namespace vitrail;

namespace {

struct Twice {
  using value = float;
  const float* in;
  float* out;
  template <class L, class J>
  VITRAIL_FUNCTION void at(J j) const {
    put<L>(out, j, get<L>(in, j) * L(2.0f));
  }
};

template <class B>
float largest_product(const B& backend) {
  constexpr std::size_t n = 96;
  const RandomStream stream{.seed = 1, .step = 0, .site = 0};
  std::vector<float> a(n * n), b(n * n), c(n * n);
  for (std::size_t i = 0; i < n * n; ++i) a[i] = uniform_at(stream, 0, i);
  backend.elementwise(n * n, Twice{a.data(), b.data()});
  Product<float> product;
  product.m = product.n = product.k = n;
  product.count = 1;
  product.a = a.data();
  product.b = b.data();
  product.c = c.data();
  product.a_row = product.b_row = product.c_row = n;
  product.a_column = product.b_column = 1;
  backend.product(product);
  float largest = 0;
  for (float x : c) largest = x > largest ? x : largest;
  return largest;
}

}  // namespace

float UNIT(bool fail) {
  if (fail) throw shape_error("a 2x3 does not fit a 4x5");
  const float serial = largest_product(Serial()), threads = largest_product(OpenMP());
  return serial > threads * 1.00001f || threads > serial * 1.00001f ? -1.0f : threads;
}
