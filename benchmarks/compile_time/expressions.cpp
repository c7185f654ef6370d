// expressions.cpp - COUNT distinct expressions of three operands and five functions, forward and backward.
#include <utility>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

using Context = vt::Tape<vt::cpu, true>;
using Leaf = vt::Var<vt::Shape<64>, true, true, Context>;

template <std::size_t I>
auto expression(const Leaf& a, const Leaf& b, const Leaf& c) {
  auto pick = [](auto x, auto y) {
    if constexpr (I & 1) {
      return std::move(x) * std::move(y);
    } else {
      return std::move(x) + std::move(y);
    }
  };
  auto function = [](auto x) {
    if constexpr (I / 2 % 4 == 0) {
      return vt::exp(std::move(x));
    } else if constexpr (I / 2 % 4 == 1) {
      return vt::tanh(std::move(x));
    } else if constexpr (I / 2 % 4 == 2) {
      return vt::sqrt(std::move(x));
    } else {
      return vt::sigmoid(std::move(x));
    }
  };
  // I's other bits: how often the whole is squared, so that every expression is another type.
  auto end = [](auto x) {
    if constexpr (I / 8 % 4 == 0) {
      return vt::square(std::move(x));
    } else if constexpr (I / 8 % 4 == 1) {
      return vt::abs(std::move(x));
    } else if constexpr (I / 8 % 4 == 2) {
      return vt::relu(std::move(x));
    } else {
      return vt::max(std::move(x), 0.5);
    }
  };
  if constexpr (I / 32 % 2 == 0) {
    return end(pick(function(a * 2.0), b - c));
  } else {
    return end(pick(function(a / b), vt::where(b > 0.0, a, c)));
  }
}

int main() {
  const vt::OpenMP backend;
  Context tape(backend);
  tape.begin(1);
  const vt::Tensor<vt::Shape<64>> x;
  const auto leaf = tape.tracked_input<vt::Shape<64>, true>(x.data());
  [&]<std::size_t... I>(std::index_sequence<I...>) { (vt::evaluate(expression<I>(leaf, leaf, leaf)), ...); }
  (std::make_index_sequence<COUNT>{});
}
