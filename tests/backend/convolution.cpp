// convolution.cpp - the convolution kernels against the definition, at every instruction set and for any number of
// threads.
#include "catch.hpp"

#include <cmath>
#include <random>
#include <vector>

#include <vitrail/backend/kernels/convolution_gradient.hpp>

namespace vt = vitrail;

namespace {

struct Extents {
  std::size_t count, channels, height, width, out, rows, columns, stride = 1, padding = 0, groups = 1;
};
// Every way through the kernels: one channel block and several, panels that are full, ragged and several per sample,
// positions of several samples packed together, sums in one chunk and in several, elements that meet no tap.
constexpr Extents all_extents[] = {
    {2, 3, 6, 7, 5, 3, 3, 1, 1},
    {1, 1, 1, 1, 1, 1, 1},
    {3, 4, 11, 13, 70, 3, 3, 1, 1},
    {2, 130, 5, 4, 9, 3, 3, 1, 1},
    {7, 140, 7, 7, 130, 3, 3, 1, 1},
    {9, 17, 8, 9, 6, 1, 1},
    {2, 16, 15, 14, 24, 3, 3, 2, 1},
    {2, 5, 9, 8, 7, 1, 1, 2},
    {1, 3, 33, 31, 8, 7, 7, 2, 3},
    {2, 2, 10, 11, 3, 2, 2, 3},
    {2, 3, 4, 5, 2, 4, 5},
    {1, 2, 3, 2, 3, 1, 1, 1, 2},
    {2, 12, 6, 5, 12, 3, 3, 1, 1, 12},
    {2, 12, 9, 9, 18, 3, 1, 2, 1, 3},
    {40, 6, 6, 6, 10, 3, 3, 1, 1},
    {1, 8, 40, 3, 4, 5, 1, 4, 2},
    {1, 800, 3, 3, 7, 2, 2, 1, 0},
};

using Values = std::vector<float>;
Values values(std::size_t size, unsigned seed) {
  Values v(size);
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> uniform(-0.5f, 0.5f);
  for (float& x : v) x = uniform(generator);
  return v;
}
struct Problem {
  vt::Convolution<float> g;
  Values x, weight, bias, dy, y, dx, dw, work;

  explicit Problem(const Extents& e) {
    g.count = e.count, g.groups = e.groups, g.channels = e.channels, g.height = e.height, g.width = e.width;
    g.out_channels = e.out, g.kernel_height = e.rows, g.kernel_width = e.columns;
    g.stride = e.stride, g.padding = e.padding;
    g.out_height = (e.height + 2 * e.padding - e.rows) / e.stride + 1;
    g.out_width = (e.width + 2 * e.padding - e.columns) / e.stride + 1;
    x = values(e.count * e.channels * e.height * e.width, 1);
    weight = values(e.out * g.depth(), 2), bias = values(e.out, 3);
    y = dy = values(e.count * e.out * g.positions(), 4);
    dx = values(x.size(), 5), dw = values(weight.size(), 6);
    work.assign(std::max(weight.size(), vt::kernels::convolution_workspace(e.out, g.depth())), NAN);
    g.x = x.data(), g.weight = weight.data(), g.bias = bias.data(), g.y = y.data(), g.dy = dy.data();
    g.dx = dx.data(), g.dw = dw.data(), g.work = work.data();
  }
  void run(const vt::Workers& workers, bool adds) {
    g.add_x = g.add_w = adds;
    vt::kernels::convolution_forward(workers, g);
    vt::kernels::convolution_input_gradient(workers, g);
    std::fill(work.begin(), work.end(), NAN);
    vt::kernels::convolution_weight_gradient(workers, g);
  }
  // Calls f(x, weight, y) with the indices of every multiplication.
  template <class F>
  void each_term(const F& f) const {
    for (std::size_t at = 0; at < y.size(); ++at) {
      const std::size_t i = at / g.out_width % g.out_height, j = at % g.out_width;
      const std::size_t o = at / g.positions() % g.out_channels, sample = at / g.positions() / g.out_channels;
      for (std::size_t k = 0; k < g.depth(); ++k) {
        const std::size_t c = o / g.group_out() * g.group_in() + k / g.taps();
        const std::size_t row = i * g.stride + k / g.kernel_width % g.kernel_height;
        const std::size_t column = j * g.stride + k % g.kernel_width;
        if (row < g.padding || row >= g.height + g.padding) continue;
        if (column < g.padding || column >= g.width + g.padding) continue;
        f(((sample * g.channels + c) * g.height + row - g.padding) * g.width + column - g.padding, o * g.depth() + k,
          at);
      }
    }
  }
};
// The largest difference, in units of the roundings of a sum of `terms` random terms of at most 1/4.
double distance(const Values& found, const std::vector<double>& expected, std::size_t terms) {
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double difference = std::abs(static_cast<double>(found[i]) - expected[i]);
    worst = std::max(worst, difference >= 0 ? difference : INFINITY);
  }
  return worst / (6e-8 * std::sqrt(static_cast<double>(terms)));
}
std::vector<double> doubles(const Values& v) { return {v.begin(), v.end()}; }

}  // namespace

TEST_CASE("convolutions and their gradients equal the definition") {
  for (const Extents& e : all_extents) {
    for (const bool adds : {false, true}) {
      const Problem start(e);
      std::vector<double> y(start.y.size()), dx = doubles(start.dx), dw = doubles(start.dw);
      if (!adds) dx.assign(dx.size(), 0), dw.assign(dw.size(), 0);
      for (std::size_t i = 0; i < y.size(); ++i)
        y[i] = static_cast<double>(start.bias[i / start.g.positions() % e.out]);
      start.each_term([&](std::size_t at_x, std::size_t at_w, std::size_t at_y) {
        const auto x = static_cast<double>(start.x[at_x]), w = static_cast<double>(start.weight[at_w]);
        const auto g = static_cast<double>(start.dy[at_y]);
        y[at_y] += x * w;
        dx[at_x] += w * g;
        dw[at_w] += x * g;
      });
      for (const auto level : {vt::isa::base, vt::isa::avx2, vt::isa::avx512}) {
        if (level > vt::best_isa()) continue;
        Problem p(e);
        p.run(vt::Workers{2, level}, adds);
        INFO("x " << e.count << " x [" << e.channels << ", " << e.height << ", " << e.width << "], kernel " << e.out
                  << " x [" << e.rows << ", " << e.columns << "], stride " << e.stride << ", padding " << e.padding
                  << ", groups " << e.groups << ", level " << int(level) << (adds ? ", added" : ""));
        CHECK(distance(p.y, y, p.g.depth()) < 8);
        CHECK(distance(p.dx, dx, p.g.group_out() * p.g.taps()) < 8);
        CHECK(distance(p.dw, dw, e.count * p.g.positions()) < 8);
      }
    }
  }
}
TEST_CASE("convolutions and their gradients have the same bits for any number of threads") {
  for (const Extents& e : all_extents) {
    Problem one(e);
    one.run(vt::Workers{1, vt::best_isa()}, false);
    for (const std::size_t threads : {2, 3, 5, 16}) {
      Problem p(e);
      p.run(vt::Workers{threads, vt::best_isa()}, false);
      INFO(e.channels << " channels, " << e.out << " kernels, " << threads << " threads");
      CHECK(p.y == one.y);
      CHECK(p.dx == one.dx);
      CHECK(p.dw == one.dw);
    }
  }
}
