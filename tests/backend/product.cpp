// product.cpp - products and weight gradients of the CPU kernels against sums in double, and the promises on bits.
#include "catch.hpp"

#include "vitrail/backend/kernels/weight_gradient.hpp"

#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <vector>

using namespace vitrail;

namespace {

constexpr double eps = std::numeric_limits<float>::epsilon();
constexpr float canary = -12345.0f;

std::vector<isa> levels() {
  std::vector<isa> result;
  for (isa level : {isa::base, isa::avx2, isa::avx512})
    if (level <= best_isa() && level >= floor_isa) result.push_back(level);
  return result;
}

std::mt19937 generator(1);

// `size` floats in [-1, 1), one float off any alignment, exactly as long as needed (the address sanitizer looks on).
struct Values {
  explicit Values(std::size_t size) : memory(size + 1) {
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (float& x : memory) x = uniform(generator);
  }
  float* data() { return memory.data() + 1; }
  const float* data() const { return memory.data() + 1; }
  std::vector<float> memory;
};

enum class Layout { rows, columns, strided };

struct Strides {
  std::ptrdiff_t row, column;
  std::size_t size;
};
Strides strides_of(Layout layout, std::size_t rows, std::size_t columns) {
  const auto r = static_cast<std::ptrdiff_t>(rows), c = static_cast<std::ptrdiff_t>(columns);
  if (layout == Layout::rows) return {c + 3, 1, rows * (columns + 3)};
  if (layout == Layout::columns) return {1, r, rows * columns};
  return {2 * c, 2, 2 * rows * columns};
}

struct Options {
  Layout a = Layout::rows, b = Layout::columns;
  float scale = 1;
  bool bias = false, residual = false, accumulate = false, packed = false, tight_b = false;
};

// A product with its operands; the expected values are computed once, in double.
struct Case {
  Case(std::size_t m, std::size_t n, std::size_t k, std::size_t count, const Options& o)
      : options(o),
        sa(strides_of(o.a, m, k)),
        sb(strides_of(o.b, k, n)),
        a(sa.size * count),
        b(sb.size * count),
        bias(n),
        residual(m * (n + 2) * count),
        start(m * (n + 5) * count),
        result(start) {
    if (o.tight_b) sb = {static_cast<std::ptrdiff_t>(n), 1, k * n};
    product = {.m = m,
               .n = n,
               .k = k,
               .count = count,
               .a = a.data(),
               .a_row = sa.row,
               .a_column = sa.column,
               .a_batch = static_cast<std::ptrdiff_t>(sa.size),
               .b = b.data(),
               .b_row = sb.row,
               .b_column = sb.column,
               .b_batch = o.packed ? 0 : static_cast<std::ptrdiff_t>(sb.size),
               .c_row = static_cast<std::ptrdiff_t>(n + 5),
               .c_batch = static_cast<std::ptrdiff_t>(m * (n + 5)),
               .scale = o.scale,
               .bias = o.bias ? bias.data() : nullptr,
               .residual = o.residual ? residual.data() : nullptr,
               .residual_row = static_cast<std::ptrdiff_t>(n + 2),
               .residual_batch = static_cast<std::ptrdiff_t>(m * (n + 2)),
               .accumulate = o.accumulate};
    for (std::size_t i = 0; i < m * count; ++i)
      for (std::size_t j = n; j < n + 5; ++j) start.data()[i * (n + 5) + j] = canary;
  }

  const float* run(const Workers& workers) {
    result = start;
    Values packed(kernels::packed_size(workers.level, product.n, product.k));
    if (options.packed) {
      kernels::pack(workers, product.n, product.k, product.b, product.b_row, product.b_column, packed.data());
      product.packed = packed.data();
    }
    product.c = result.data();
    kernels::product(workers, product);
    product.packed = nullptr;
    return result.data();
  }

  // The largest error in units of the bound, infinite if something outside C was written.
  double error(const Workers& workers) {
    run(workers);
    const Product<float>& p = product;
    double worst = 0;
    for (std::size_t s = 0; s < p.count; ++s)
      for (std::size_t i = 0; i < p.m; ++i) {
        const std::size_t row = (s * p.m + i) * (p.n + 5);
        for (std::size_t j = p.n; j < p.n + 5; ++j)
          if (result.data()[row + j] != canary) return 1e30;
        for (std::size_t j = 0; j < p.n; ++j) {
          double sum = 0, size = 0;
          for (std::size_t q = 0; q < p.k; ++q) {
            const double term = static_cast<double>(at(p.a, s, p.a_batch, i, p.a_row, q, p.a_column)) *
                                static_cast<double>(at(p.b, s, p.b_batch, q, p.b_row, j, p.b_column));
            sum += term, size += std::abs(term);
          }
          sum *= static_cast<double>(p.scale), size *= std::abs(static_cast<double>(p.scale));
          const auto add = [&](float x) { sum += static_cast<double>(x), size += std::abs(static_cast<double>(x)); };
          if (p.accumulate) add(start.data()[row + j]);
          if (p.bias != nullptr) add(p.bias[j]);
          if (p.residual != nullptr) add(p.residual[(s * p.m + i) * (p.n + 2) + j]);
          const double bound = eps * (2 + 0.5 * std::sqrt(static_cast<double>(p.k))) * size + 1e-37;
          worst = std::max(worst, std::abs(static_cast<double>(result.data()[row + j]) - sum) / bound);
        }
      }
    return worst;
  }

  static float at(const float* p, std::size_t s, std::ptrdiff_t batch, std::size_t i, std::ptrdiff_t row, std::size_t j,
                  std::ptrdiff_t column) {
    return p[static_cast<std::ptrdiff_t>(s) * batch + static_cast<std::ptrdiff_t>(i) * row +
             static_cast<std::ptrdiff_t>(j) * column];
  }

  Options options;
  Strides sa, sb;
  Values a, b, bias, residual, start, result;
  Product<float> product;
};

// Not CHECK(a == b), which would print both.
bool same_bits(const std::vector<float>& a, const std::vector<float>& b) { return a == b; }

std::size_t random_extent(std::size_t most) { return std::uniform_int_distribution<std::size_t>(1, most)(generator); }

}  // namespace

TEST_CASE("products of random ragged shapes in every layout", "[product]") {
  for (isa level : levels())
    for (Layout a : {Layout::rows, Layout::columns, Layout::strided})
      for (Layout b : {Layout::rows, Layout::columns, Layout::strided})
        for (int round = 0; round < 16; ++round) {
          const Options options{.a = a,
                                .b = b,
                                .scale = round % 3 == 0 ? 0.37f : 1.0f,
                                .bias = round % 2 == 0,
                                .residual = round % 4 == 1,
                                .accumulate = round % 5 == 2,
                                .packed = round % 4 == 3};
          const std::size_t m = random_extent(60), n = random_extent(150), k = random_extent(90),
                            count = random_extent(3);
          Case c(m, n, k, count, options);
          INFO("level " << static_cast<int>(level) << " m " << m << " n " << n << " k " << k << " count " << count
                        << " a " << static_cast<int>(a) << " b " << static_cast<int>(b) << " round " << round);
          REQUIRE(c.error({.threads = 1 + static_cast<std::size_t>(round) % 3, .level = level}) < 1);
        }
}

TEST_CASE("products of every small height and of widths round the register", "[product]") {
  for (isa level : levels())
    for (std::size_t m = 1; m <= 26; ++m)
      for (std::size_t n : {1, 3, 4, 8, 15, 16, 17, 32, 64, 65, 80, 128}) {
        INFO("level " << static_cast<int>(level) << " m " << m << " n " << n);
        Case dense(m, n, 20, 1, {.b = Layout::rows, .bias = true, .tight_b = true});
        REQUIRE(dense.error({.threads = 1, .level = level}) < 1);
        Case weight(m, n, 20, 1, {.residual = true, .accumulate = true});
        REQUIRE(weight.error({.threads = 2, .level = level}) < 1);
      }
}

TEST_CASE("products with several blocks of k, all epilogues, and none at all", "[product]") {
  for (isa level : levels()) {
    for (Layout b : {Layout::rows, Layout::columns})
      for (bool packed : {false, true}) {
        Case deep(50, 70, 1700, 1,
                  {.b = b, .scale = 0.7f, .bias = true, .residual = true, .accumulate = true, .packed = packed});
        CHECK(deep.error({.threads = 2, .level = level}) < 1);
      }
    Case empty(5, 7, 0, 1, {.bias = true, .residual = true});
    CHECK(empty.error({.threads = 1, .level = level}) < 1);
  }
}

TEST_CASE("the residual may be C itself", "[product]") {
  for (isa level : levels()) {
    Case c(33, 40, 900, 1, {.accumulate = true});
    const Workers workers{.threads = 2, .level = level};
    const std::vector<float> added = (c.run(workers), c.result.memory);
    c.result = c.start;
    c.product.accumulate = false;
    c.product.residual = c.result.data();
    c.product.residual_row = c.product.c_row;
    c.product.c = c.result.data();
    kernels::product(workers, c.product);
    c.product.residual = nullptr;
    c.product.accumulate = true;
    const std::vector<float> in_place = c.result.memory;
    CHECK(same_bits((c.run(workers), c.result.memory), in_place));
  }
}

TEST_CASE("the bits of a product do not depend on threads", "[product]") {
  for (isa level : levels())
    for (const auto& [m, n, k, count] :
         {std::array<std::size_t, 4>{200, 130, 96, 1}, {49, 300, 900, 1}, {17, 40, 64, 12}}) {
      Case c(m, n, k, count, {.scale = 0.3f, .bias = true, .residual = true, .accumulate = true});
      const std::vector<float> one = (c.run({.threads = 1, .level = level}), c.result.memory);
      for (std::size_t threads : {2, 3, 4, 8}) {
        c.run({.threads = threads, .level = level});
        CHECK(same_bits(c.result.memory, one));
      }
    }
}

TEST_CASE("the bits of a row do not depend on the rows beside it, packing or threads", "[product]") {
  for (isa level : levels())
    for (Layout b : {Layout::rows, Layout::columns})
      for (std::size_t n : {std::size_t(64), std::size_t(85), std::size_t(192)}) {
        Case c(420, n, 800, 1, {.b = b, .scale = 0.3f, .bias = true, .residual = true, .accumulate = true});
        const std::vector<float> all = (c.run({.threads = 2, .level = level}), c.result.memory);
        for (bool packed : {false, true})
          for (std::size_t m : {1, 2, 3, 5, 6, 7, 13, 36, 37, 49, 197}) {
            c.product.m = m;
            c.options.packed = packed;
            const std::vector<float> some = (c.run({.threads = 3, .level = level}), c.result.memory);
            const std::size_t end = 1 + m * (n + 5);
            CHECK(std::equal(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(end), all.begin()));
          }
      }
}

TEST_CASE("a batch entry has the bits that it has alone", "[product]") {
  for (isa level : levels()) {
    Case c(50, 49, 32, 9, {.scale = 0.2f, .bias = true});
    const std::vector<float> all = (c.run({.threads = 2, .level = level}), c.result.memory);
    for (std::size_t i = 0; i < 9; ++i) {
      Product<float> one = c.product;
      const auto entry = static_cast<std::ptrdiff_t>(i);
      one.count = 1;
      one.a += entry * one.a_batch;
      one.b += entry * one.b_batch;
      Values alone(50 * 54);
      one.c = alone.data();
      kernels::product({.threads = 1, .level = level}, one);
      for (std::size_t r = 0; r < 50; ++r)
        CHECK(std::equal(alone.data() + r * 54, alone.data() + r * 54 + 49, all.data() + 1 + (i * 50 + r) * 54));
    }
  }
}

namespace {

struct Gradient {
  Gradient(std::size_t rows, std::size_t out, std::size_t in)
      : dy(rows * (out + 2)),
        x(rows * (in + 1)),
        start_w(out * in),
        start_b(out),
        work(kernels::weight_gradient_workspace(out, in)) {
    arguments = {.rows = rows,
                 .out = out,
                 .in = in,
                 .dy = dy.data(),
                 .dy_row = static_cast<std::ptrdiff_t>(out + 2),
                 .x = x.data(),
                 .x_row = static_cast<std::ptrdiff_t>(in + 1),
                 .scale = 0.9f};
  }
  // dw, then db.
  std::vector<float> run(const Workers& workers, bool add) {
    Values dw = start_w, db = start_b;
    arguments.dw = dw.data(), arguments.db = db.data(), arguments.work = work.data();
    arguments.add_w = arguments.add_b = add;
    kernels::weight_gradient(workers, arguments);
    std::vector<float> both(dw.memory.begin() + 1, dw.memory.end());
    both.insert(both.end(), db.memory.begin() + 1, db.memory.end());
    return both;
  }
  double error(const Workers& workers, bool add) {
    const std::vector<float> result = run(workers, add);
    const WeightGradient<float>& g = arguments;
    double worst = 0;
    const auto check = [&](double sum, double size, float before, float after) {
      sum *= static_cast<double>(g.scale);
      if (add) sum += static_cast<double>(before), size += std::abs(static_cast<double>(before));
      const double bound = eps * (2 + 0.5 * std::sqrt(static_cast<double>(g.rows))) * size + 1e-37;
      worst = std::max(worst, std::abs(static_cast<double>(after) - sum) / bound);
    };
    for (std::size_t o = 0; o < g.out; ++o) {
      for (std::size_t i = 0; i < g.in; ++i) {
        double sum = 0, size = 0;
        for (std::size_t r = 0; r < g.rows; ++r) {
          const double term =
              static_cast<double>(dy.data()[r * (g.out + 2) + o]) * static_cast<double>(x.data()[r * (g.in + 1) + i]);
          sum += term, size += std::abs(term);
        }
        check(sum, size, start_w.data()[o * g.in + i], result[o * g.in + i]);
      }
      double sum = 0, size = 0;
      for (std::size_t r = 0; r < g.rows; ++r) {
        const double term = static_cast<double>(dy.data()[r * (g.out + 2) + o]);
        sum += term, size += std::abs(term);
      }
      check(sum, size, start_b.data()[o], result[g.out * g.in + o]);
    }
    return worst;
  }
  Values dy, x, start_w, start_b, work;
  WeightGradient<float> arguments;
};

}  // namespace

TEST_CASE("weight gradients of random ragged shapes", "[product]") {
  for (isa level : levels()) {
    for (int round = 0; round < 40; ++round) {
      const std::size_t rows = random_extent(round % 4 == 0 ? 1500 : 100), out = random_extent(40),
                        in = random_extent(300);
      INFO("level " << static_cast<int>(level) << " rows " << rows << " out " << out << " in " << in);
      Gradient g(rows, out, in);
      REQUIRE(g.error({.threads = 1 + static_cast<std::size_t>(round) % 3, .level = level}, round % 2 == 0) < 1);
    }
    Gradient large(450, 300, 440);  // more than 128 Ki weights: no partial sums
    CHECK(large.arguments.work != large.work.data());
    CHECK(kernels::weight_gradient_workspace(300, 440) == 0);
    CHECK(large.error({.threads = 2, .level = level}, false) < 1);
    Gradient wide(260, 7, 1030);
    CHECK(wide.error({.threads = 2, .level = level}, true) < 1);
  }
}

TEST_CASE("a weight gradient without weight, without bias, without rows", "[product]") {
  for (isa level : levels())
    for (std::size_t rows : {std::size_t(0), std::size_t(30), std::size_t(600)}) {
      Gradient g(rows, 20, 33);
      const Workers workers{.threads = 2, .level = level};
      const std::vector<float> both = g.run(workers, false);
      if (rows == 0) CHECK(both == std::vector<float>(20 * 34, 0.0f));
      Values dw(20 * 33), db(20);
      g.arguments.dw = nullptr, g.arguments.db = db.data(), g.arguments.work = g.work.data();
      kernels::weight_gradient(workers, g.arguments);
      CHECK(std::equal(db.data(), db.data() + 20, both.end() - 20));
      g.arguments.dw = dw.data(), g.arguments.db = nullptr;
      kernels::weight_gradient(workers, g.arguments);
      CHECK(std::equal(dw.data(), dw.data() + 20 * 33, both.begin()));
    }
}

TEST_CASE("the bits of a weight gradient do not depend on threads", "[product]") {
  for (isa level : levels())
    for (const auto& [rows, out, in] :
         {std::array<std::size_t, 3>{1000, 70, 64}, {3000, 30, 50}, {300, 130, 20}, {400, 360, 370}}) {
      Gradient g(rows, out, in);
      const std::vector<float> one = g.run({.threads = 1, .level = level}, true);
      for (std::size_t threads : {2, 3, 4, 8}) CHECK(same_bits(g.run({.threads = threads, .level = level}, true), one));
    }
}
