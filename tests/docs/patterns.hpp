// patterns.hpp - the program around fragments of docs/patterns.md: values, and what compares a result with what NumPy
// has.
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <numeric>
#include <type_traits>
#include <vector>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

template <std::size_t... Extents, class V>
void same(const V& found, std::initializer_list<float> expected) {
  static_assert(std::is_same_v<typename V::shape, vt::Shape<Extents...>>, "another shape than NumPy's");
  const std::vector<float> values(found.data, found.data + V::shape::size);
  if (values == std::vector<float>(expected)) return;
  std::fprintf(stderr, "docs/patterns.md: other values than NumPy's:");
  for (const float value : values) std::fprintf(stderr, " %g", static_cast<double>(value));
  std::fprintf(stderr, "\n");
  std::exit(1);
}

int main() {
  std::vector<float> numbers(24), tens(6);
  std::iota(numbers.begin(), numbers.end(), 0.0f);
  std::iota(tens.begin(), tens.end(), 10.0f);
  const int index = 1;
  const vt::cpu::backend backend;
  vt::Tape<vt::cpu, false> tape(backend);
  tape.begin(1);
  const auto x = tape.input<vt::Shape<2, 3, 4>, true>(numbers.data());
  const auto a = tape.input<vt::Shape<2, 3>, false>(numbers.data());
  const auto b = tape.input<vt::Shape<2, 3>, true>(tens.data());
  const auto i = tape.labels(&index);
  // fragment
}
