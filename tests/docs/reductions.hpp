// reductions.hpp - the program around fragments of docs/reductions.md: one sample of each value, and what is expected.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <type_traits>
#include <vector>
#include <vitrail/autodiff/tape.hpp>
#include <vitrail/nn/policy.hpp>
#include <vitrail/ops/einsum.hpp>
#include <vitrail/ops/reduce.hpp>
#include <vitrail/ops/softmax.hpp>

namespace vt = vitrail;

template <class X>
void expect(X&& x, std::initializer_list<double> values) {
  const auto v = vt::evaluate(static_cast<X&&>(x));
  std::size_t i = 0;
  for (const double value : values) {
    const double found = static_cast<double>(v.data[i++]);
    if (std::abs(found - value) > 1e-5 * std::abs(value)) {
      std::printf("element %zu: expected %.9g, found %.9g\n", i - 1, value, found);
      std::exit(1);
    }
  }
  if (i != decltype(v)::shape::size) std::exit(1);
}

int main() {
  const vt::OpenMP backend;
  vt::Tape<vt::cpu, false> tape(backend);
  tape.begin(1);
  std::vector<float> numbers(192);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i);
  const auto x = tape.input<vt::Shape<4, 6>, true>(numbers.data());
  const auto image = tape.input<vt::Shape<8, 8, 3>, true>(numbers.data());
  const auto q = tape.input<vt::Shape<2, 5, 4>, true>(numbers.data());
  const auto k = q, v = q;
  const auto a = tape.input<vt::Shape<3, 5>, true>(numbers.data());
  const auto b = tape.input<vt::Shape<5, 7>, true>(numbers.data());
  const auto c = tape.input<vt::Shape<7, 2>, true>(numbers.data());
  const vt::Parameter<vt::Shape<6>, float, true, true, void> w{numbers.data() + 1, 0};
  (void)x, (void)image, (void)k, (void)v, (void)a, (void)b, (void)c, (void)w;
  // fragment
}
