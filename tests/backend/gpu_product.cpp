// gpu_product.cpp - products on a GPU: the kernel on the emulated device, and what cuBLASLt would be asked for, both
// against plain loops.
#include "catch.hpp"

#include <vitrail/backend/cuda/matmul.hpp>
#include <vitrail/backend/philox.hpp>

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

#include "emulated_gpu.hpp"

namespace vt = vitrail;

namespace {

using Backend = test::emulated_gpu_double::backend;
using Device = vt::Buffer<double, Backend::memory>;

// A product with everything that it may have, in the host's memory.
struct Problem {
  vt::Product<double> p;
  std::vector<double> a, b, bias, residual, c;
  const char* what;
};
struct Options {
  bool turn_a = false, turn_b = false, bias = false, residual = false, accumulate = false, wide_rows = false;
};
Problem make(const char* what, std::size_t m, std::size_t n, std::size_t k, std::size_t count, Options o) {
  Problem q;
  q.what = what;
  vt::Product<double>& p = q.p;
  p.m = m, p.n = n, p.k = k, p.count = count, p.scale = 0.5;
  auto draw = [site = std::uint32_t(0)](std::vector<double>& to, std::size_t size) mutable {
    to.resize(size);
    ++site;
    for (std::size_t i = 0; i < size; ++i) to[i] = vt::normal_at<double>({3, 0, site}, 0, i);
  };
  draw(q.a, count * m * k);
  draw(q.b, count * k * n);
  draw(q.bias, n);
  draw(q.residual, count * m * n);
  const std::size_t row = n + (o.wide_rows ? 3 : 0);
  draw(q.c, count * m * row);
  const auto stride = [](std::size_t x) { return static_cast<std::ptrdiff_t>(x); };
  p.a_row = o.turn_a ? 1 : stride(k), p.a_column = o.turn_a ? stride(m) : 1, p.a_batch = stride(m * k);
  p.b_row = o.turn_b ? 1 : stride(n), p.b_column = o.turn_b ? stride(k) : 1, p.b_batch = stride(k * n);
  p.c_row = stride(row), p.c_batch = stride(m * row), p.residual_row = stride(n), p.residual_batch = stride(m * n);
  p.accumulate = o.accumulate;
  p.a = q.a.data(), p.b = q.b.data(), p.c = q.c.data();
  if (o.bias) p.bias = q.bias.data();
  if (o.residual) p.residual = q.residual.data();
  return q;
}
std::vector<Problem> problems() {
  std::vector<Problem> all;
  all.push_back(make("one tile", 64, 64, 16, 1, {}));
  all.push_back(make("a weight", 37, 70, 19, 1, {.turn_b = true, .bias = true}));
  all.push_back(make("its gradient", 21, 66, 33, 1, {.turn_a = true, .accumulate = true}));
  all.push_back(make("both turned", 5, 7, 3, 2, {.turn_a = true, .turn_b = true}));
  all.push_back(make("a residual", 65, 9, 8, 3, {.bias = true, .residual = true}));
  all.push_back(make("rows apart", 10, 12, 40, 2, {.wide_rows = true}));
  all.push_back(make("one column", 9, 1, 5, 1, {.turn_b = true, .bias = true}));
  all.push_back(make("one row", 1, 9, 5, 1, {.residual = true}));
  all.push_back(make("one term", 4, 6, 1, 1, {.turn_a = true}));
  all.push_back(make("old and residual", 4, 6, 5, 1, {.residual = true, .accumulate = true}));
  return all;
}
std::vector<double> loops(const Problem& q) {
  const vt::Product<double>& p = q.p;
  std::vector<double> c = q.c;
  for (std::size_t e = 0; e < p.count; ++e) {
    const auto batch = static_cast<std::ptrdiff_t>(e);
    for (std::size_t i = 0; i < p.m; ++i) {
      for (std::size_t j = 0; j < p.n; ++j) {
        const auto x = static_cast<std::ptrdiff_t>(i), y = static_cast<std::ptrdiff_t>(j);
        double sum = 0;
        for (std::ptrdiff_t t = 0; t < static_cast<std::ptrdiff_t>(p.k); ++t) {
          sum += p.a[batch * p.a_batch + x * p.a_row + t * p.a_column] *
                 p.b[batch * p.b_batch + t * p.b_row + y * p.b_column];
        }
        sum = p.scale * sum + (p.bias ? p.bias[j] : 0);
        if (p.residual) sum += p.residual[batch * p.residual_batch + x * p.residual_row + y];
        double& to = c[static_cast<std::size_t>(batch * p.c_batch + x * p.c_row + y)];
        to = p.accumulate ? to + sum : sum;
      }
    }
  }
  return c;
}
void check_same(const Problem& q, const std::vector<double>& found) {
  const std::vector<double> expected = loops(q);
  INFO(q.what);
  for (std::size_t i = 0; i < found.size(); ++i) REQUIRE(found[i] == Approx(expected[i]).margin(1e-12));
}

// What BLAS does, from its definition: matrices stored by columns.
template <class T, class A, class B, class C>
std::vector<double> blas(const Problem& q, const vt::cuda::MatmulCall<T, A, B, C>& call) {
  const vt::cuda::Matmul& s = call.shape;
  std::vector<double> d = q.c;
  const auto element = [](const auto* x, const vt::cuda::Matmul::Matrix& m, std::int64_t i, std::int64_t j) {
    const std::int64_t row = m.transposed ? j : i, column = m.transposed ? i : j;
    REQUIRE((row < m.rows && column < m.columns && m.ld >= m.rows));
    return static_cast<double>(x[column * m.ld + row]);
  };
  const std::int64_t m = s.d.rows, n = s.d.columns, k = s.a.transposed ? s.a.rows : s.a.columns;
  for (std::int64_t e = 0; e < s.count; ++e) {
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (std::int64_t t = 0; t < k; ++t) {
          sum += element(call.a + e * s.a.stride, s.a, i, t) * element(call.b + e * s.b.stride, s.b, t, j);
        }
        const double old = call.beta != 0 ? element(call.c + e * s.c.stride, s.c, i, j) : 0;
        d[static_cast<std::size_t>(e * s.d.stride + j * s.d.ld + i)] =
            call.alpha * sum + call.beta * old + (s.bias ? call.bias[i] : 0);
      }
    }
  }
  return d;
}

// A problem with A, the residual and C as bf16, and B and the bias as floats; place(std::vector) puts them where the
// product is computed. What is bf16 is rounded in `q` too.
template <class Place>
struct MixedProblem {
  template <class X>
  using Placed = decltype(std::declval<Place>()(std::vector<X>()));
  Placed<vt::bf16> a, residual, c;
  Placed<float> b, bias;
  vt::Product<float, vt::bf16, float, vt::bf16> p;

  MixedProblem(Problem& q, const Place& place)
      : a(place(as<vt::bf16>(q.a))),
        residual(place(as<vt::bf16>(q.residual))),
        c(place(as<vt::bf16>(q.c))),
        b(place(as<float>(q.b))),
        bias(place(as<float>(q.bias))) {
    p.m = q.p.m, p.n = q.p.n, p.k = q.p.k, p.count = q.p.count, p.scale = static_cast<float>(q.p.scale);
    p.a = a.data(), p.a_row = q.p.a_row, p.a_column = q.p.a_column, p.a_batch = q.p.a_batch;
    p.b = b.data(), p.b_row = q.p.b_row, p.b_column = q.p.b_column, p.b_batch = q.p.b_batch;
    p.c = c.data(), p.c_row = q.p.c_row, p.c_batch = q.p.c_batch, p.accumulate = q.p.accumulate;
    if (q.p.bias) p.bias = bias.data();
    if (q.p.residual) p.residual = residual.data();
    p.residual_row = q.p.residual_row, p.residual_batch = q.p.residual_batch;
  }

 private:
  template <class X>
  static std::vector<X> as(std::vector<double>& values) {
    std::vector<X> to;
    for (double& x : values) {
      to.emplace_back(static_cast<float>(x));
      x = to.back();
    }
    return to;
  }
};
double terms(const Problem& q) { return std::sqrt(static_cast<double>(q.p.k)); }

}  // namespace

TEST_CASE("the product kernel on the emulated device") {
  const Backend backend{vt::backend{}};
  for (const Problem& q : problems()) {
    const auto place = [](const std::vector<double>& values) {
      Device buffer(values.size());
      Backend::memory::copy(buffer.data(), values.data(), values.size() * sizeof(double));
      return buffer;
    };
    Device a = place(q.a), b = place(q.b), bias = place(q.bias), residual = place(q.residual), c = place(q.c);
    vt::Product<double> p = q.p;
    p.a = a.data(), p.b = b.data(), p.c = c.data();
    if (p.bias) p.bias = bias.data();
    if (p.residual) p.residual = residual.data();
    backend.product(p);
    std::vector<double> found(q.c.size());
    Backend::memory::copy(found.data(), c.data(), found.size() * sizeof(double));
    check_same(q, found);
  }
}

TEST_CASE("a product in BLAS's terms") {
  for (const Problem& q : problems()) {
    const auto call = vt::cuda::matmul_of(q.p);
    INFO(q.what);
    REQUIRE(call.fits == !(q.p.accumulate && q.p.residual));
    if (call.fits) check_same(q, blas(q, call));
  }
  // A transposed matrix taken for a plain one shows: the control of this test.
  const Problem q = make("control", 4, 6, 5, 1, {.turn_b = true});
  auto call = vt::cuda::matmul_of(q.p);
  std::swap(call.a, call.b);
  std::swap(call.shape.a, call.shape.b);
  call.shape.a.transposed = !call.shape.a.transposed, call.shape.b.transposed = !call.shape.b.transposed;
  std::swap(call.shape.d.rows, call.shape.d.columns);
  call.shape.d.ld = call.shape.d.rows;
  CHECK(blas(q, call) != loops(q));
}
TEST_CASE("BLAS gets both factors as bf16, whatever they lie as") {
  for (Problem& q : problems()) {
    const MixedProblem mixed(q, [](const auto& host) { return host; });
    std::vector<vt::bf16> copy;
    const auto call = vt::cuda::matmul_of(vt::cuda::rounded(mixed.p, [&](const float* from, std::size_t size) {
      REQUIRE(from == mixed.b.data());
      REQUIRE(size == mixed.b.size());
      copy.clear();
      for (std::size_t i = 0; i < size; ++i) copy.emplace_back(from[i]);
      return copy.data();
    }));
    if (!call.fits) continue;
    CHECK((call.shape.factors == vt::cuda::element::bf16 && call.shape.result == vt::cuda::element::bf16));
    // Of what BLAS adds up, nothing but B was rounded: 0.4 % of each term.
    const std::vector<double> found = blas(q, call), expected = loops(q);
    INFO(q.what);
    for (std::size_t i = 0; i < found.size(); ++i) REQUIRE(found[i] == Approx(expected[i]).margin(0.02 * terms(q)));
  }
}
TEST_CASE("the product kernel reads and writes bf16 beside floats") {
  const test::emulated_gpu::backend backend{vt::backend{}};
  for (Problem& q : problems()) {
    MixedProblem mixed(q, []<class X>(const std::vector<X>& host) {
      vt::Buffer<X, Backend::memory> device(host.size());
      Backend::memory::copy(device.data(), host.data(), host.size() * sizeof(X));
      return device;
    });
    backend.product(mixed.p);
    std::vector<vt::bf16> found(q.c.size());
    Backend::memory::copy(found.data(), mixed.c.data(), found.size() * sizeof(vt::bf16));
    const std::vector<double> expected = loops(q);
    INFO(q.what);
    for (std::size_t i = 0; i < found.size(); ++i) {
      REQUIRE(float(found[i]) == Approx(expected[i]).epsilon(0.004).margin(1e-5));  // half of the last of 8 bits
    }
  }
}
TEST_CASE("what BLAS cannot express is left to the kernel") {
  Problem q = make("strides", 4, 6, 5, 1, {});
  q.p.a_row = 10, q.p.a_column = 2;
  CHECK(!vt::cuda::matmul_of(q.p).fits);
}
TEST_CASE("alignments are those of the addresses") {
  const Problem q = make("aligned", 4, 6, 5, 1, {});
  alignas(256) static double memory[64];
  vt::Product<double> p = q.p;
  p.a = memory, p.b = memory + 1, p.c = memory + 4;
  const auto call = vt::cuda::matmul_of(p);
  CHECK(call.shape.b.alignment == 256);
  CHECK(call.shape.a.alignment == 8);
  CHECK(call.shape.d.alignment == 32);
}
