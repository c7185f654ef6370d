// patterns.cpp - COUNT distinct patterns, half of them rearrangements of five axes, half einsums of two operands,
// forward and backward.
#include <algorithm>
#include <utility>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

using Context = vt::Tape<vt::cpu, true>;

// The I-th order of `axes`, behind `left`: "a b c d e -> b a c d e".
template <std::size_t I, std::size_t Axes, std::size_t Length>
constexpr auto pattern(const char (&left)[Length], const char (&axes)[Axes + 1]) {
  char order[Axes + 1] = {};
  std::copy_n(axes, Axes, order);
  for (std::size_t i = 0; i < I; ++i) std::next_permutation(order, order + Axes);
  char text[Length + 2 * Axes] = {};
  std::copy_n(left, Length - 1, text);
  for (std::size_t i = 0; i < Axes; ++i) text[Length - 1 + 2 * i] = ' ', text[Length + 2 * i] = order[i];
  return vt::FixedString<Length + 2 * Axes>(text);
}

int main() {
  const vt::OpenMP backend;
  Context tape(backend);
  tape.begin(1);
  const vt::Tensor<vt::Shape<2, 3, 4, 5, 6>> x;
  const auto five = tape.tracked_input<vt::Shape<2, 3, 4, 5, 6>, true>(x.data());
  const auto left = tape.tracked_input<vt::Shape<2, 3, 4, 5>, true>(x.data());
  const auto right = tape.tracked_input<vt::Shape<5, 4, 6>, true>(x.data());
  auto both = [&]<std::size_t I>(std::integral_constant<std::size_t, I>) {
    vt::rearrange<pattern<I + 1, 5>("a b c d e ->", "abcde")>(five);
    vt::einsum<pattern<I, 4>("a b c d, d c e ->", "abce")>(left, vt::reshape<vt::Shape<5, 4, 6>>(right));
  };
  [&]<std::size_t... I>(std::index_sequence<I...>) { (both(std::integral_constant<std::size_t, I>{}), ...); }
  (std::make_index_sequence<COUNT / 2>{});
}
