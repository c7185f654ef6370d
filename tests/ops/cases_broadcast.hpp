// cases_broadcast.hpp - registry: operands that repeat along any axes and over the batch, as NumPy broadcasts them.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "cases_elementwise.hpp"

namespace registry {

namespace vt = vitrail;

// An operand of the oracle: its shape, aligned at the last axis of the result, and whether it is batched.
struct Operand {
  std::vector<std::size_t> shape;
  bool batched = true;
};
// result[index] = f(operand 0, operand 1, ... at that index), one element after the other.
template <class F>
Reference broadcast(F f, std::vector<Operand> operands) {
  return [f, operands](const Problem& p) {
    std::size_t rank = 0;
    bool batched = false;
    for (const Operand& o : operands) rank = std::max(rank, o.shape.size()), batched |= o.batched;
    std::vector<std::size_t> dims(rank, 1);
    for (const Operand& o : operands) {
      for (std::size_t i = 0; i < o.shape.size(); ++i) {
        std::size_t& extent = dims[rank - o.shape.size() + i];
        extent = std::max(extent, o.shape[i]);
      }
    }
    std::size_t size = 1;
    for (const std::size_t extent : dims) size *= extent;
    Values out;
    for (std::size_t sample = 0; sample < (batched ? p.count : 1); ++sample) {
      for (std::size_t element = 0; element < size; ++element) {
        std::array<double, 4> at{};
        for (std::size_t k = 0; k < operands.size(); ++k) {
          const Operand& o = operands[k];
          std::size_t left = element, position = 0, stride = 1;
          for (std::size_t i = rank; i-- > 0;) {
            const std::size_t index = left % dims[i];
            left /= dims[i];
            if (i < rank - o.shape.size()) continue;
            const std::size_t extent = o.shape[i - (rank - o.shape.size())];
            position += (extent == 1 ? 0 : index) * stride;
            stride *= extent;
          }
          at[k] = p.inputs[k][(o.batched ? sample * stride : 0) + position];
        }
        out.push_back(f(at[0], at[1], at[2], at[3]));
      }
    }
    return out;
  };
}
inline double product_of(double x, double w, double, double) { return x * w; }
inline double mixed(double x, double w, double b, double) { return x * w + std::exp(b); }

// One for the whole batch, or the last axes only.
template <class F>
void broadcast_cases(const F& run) {
  run(op_case(
      "[D] into [N, D]", {4}, [](auto, auto x, auto w) { return x * w; },
      pointwise([](double x, double w) { return x * w; }), each<5, 7>(), once<7>()));
  run(op_case(
      "scale and shift", {4}, [](auto, auto x, auto w, auto b) { return x * w + b; },
      pointwise([](double x, double w, double b) { return x * w + b; }), each<5, 7>(), once<7>(), once<7>()));
  run(op_case(
      "repeated [D]", {4}, [](auto, auto x, auto w) { return x * w + w * w; },
      pointwise([](double x, double w) { return x * w + w * w; }), each<5, 7>(), once<7>()));
  run(op_case(
      "one for the batch", {4}, [](auto, auto x, auto w) { return x / w; },
      pointwise([](double x, double w) { return x / w; }), each<5, 7>(), once<5, 7>({0.3, 2})));
  run(op_case(
      "sum with one for the batch", {4}, [](auto, auto x, auto w) { return x + w; },
      pointwise([](double x, double w) { return x + w; }), each<5, 7>(), once<5, 7>()));
  run(op_case(
      "number for all", {4}, [](auto, auto x, auto w) { return x * w; },
      pointwise([](double x, double w) { return x * w; }), each<33>(), once<>({0.3, 2})));
  run(op_case(
      "no batch", {4}, [](auto, auto v, auto w) { return vt::exp(v) * w; },
      pointwise([](double v, double w) { return std::exp(v) * w; }), once<5, 7>(), once<7>()));
  run(op_case(
      "untracked input", {4}, [](auto, auto x, auto w) { return x * w; },
      pointwise([](double x, double w) { return x * w; }), data<5, 7>(), once<7>()));
}

// Any axes. Sizes are odd, and some rows longer than a register.
template <class F>
void numpy_cases(const F& run) {
  const auto times = [](auto, auto x, auto w) { return x * w; };
  const auto mixing = [](auto, auto x, auto w, auto b) { return x * w + vt::exp(b); };
  run(op_case("a factor per row", {4}, times, broadcast(product_of, {{{5, 19}}, {{5, 1}}}), each<5, 19>(),
              each<5, 1>()));
  run(op_case("a parameter per row", {8}, times, broadcast(product_of, {{{5, 19}}, {{5, 1}, false}}), each<5, 19>(),
              once<5, 1>()));
  run(op_case("rows and columns", {4}, times, broadcast(product_of, {{{5, 1}}, {{1, 19}}}), each<5, 1>(),
              each<1, 19>()));
  run(op_case("an axis more on each side", {4}, times, broadcast(product_of, {{{3, 1, 7}}, {{5, 1}}}), each<3, 1, 7>(),
              each<5, 1>()));
  run(op_case("an axis in the middle", {8}, times, broadcast(product_of, {{{3, 5, 7}}, {{3, 1, 7}}}), each<3, 5, 7>(),
              each<3, 1, 7>()));
  run(op_case("a parameter in the middle", {8}, times, broadcast(product_of, {{{3, 5, 7}}, {{5, 1}, false}}),
              each<3, 5, 7>(), once<5, 1>()));
  run(op_case("a batch into one for all", {8}, times, broadcast(product_of, {{{7}}, {{5, 7}, false}}), each<7>(),
              once<5, 7>()));
  run(op_case("a number per sample", {8}, times, broadcast(product_of, {{{5, 19}}, {{}}}), each<5, 19>(), each<>()));
  run(op_case("three that repeat differently", {16}, mixing,
              broadcast(mixed, {{{3, 5, 7}}, {{5, 1}, false}, {{3, 1, 7}}}), each<3, 5, 7>(), once<5, 1>(),
              each<3, 1, 7>()));
  run(op_case("positions and a scale", {16}, mixing, broadcast(mixed, {{{5, 3}}, {{5, 3}, false}, {{3}, false}}),
              each<5, 3>(), once<5, 3>(), once<3>()));
  run(op_case(
      "sums that repeat", {8}, [](auto, auto x, auto w) { return x + w; },
      broadcast([](double x, double w, double, double) { return x + w; }, {{{5, 19}}, {{5, 1}}}), each<5, 19>(),
      each<5, 1>()));
  run(op_case(
      "two parameters first", {8}, [](auto, auto w, auto b, auto x) { return w * b + x; },
      broadcast([](double w, double b, double x, double) { return w * b + x; },
                {{{3, 1}, false}, {{5}, false}, {{3, 5}}}),
      once<3, 1>(), once<5>(), each<3, 5>()));
  run(op_case(
      "an untracked mask", {4}, [](auto, auto x, auto m) { return vt::where(m > 0.0, x, x * 0.1); },
      broadcast([](double x, double m, double, double) { return m > 0 ? x : 0.1 * x; }, {{{3, 5}}, {{3, 1}}}),
      each<3, 5>(), data<3, 1>()));
}

}  // namespace registry
