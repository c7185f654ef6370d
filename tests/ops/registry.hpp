// registry.hpp - what an entry of the op registry is: inputs, the op built from Vars, and a naive reference in double.
//
// A file cases_GROUP.hpp lists the cases of a group; the runners in checks.hpp drive each of them on every backend.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <vitrail/backend/philox.hpp>
#include <vitrail/shape/shape.hpp>

namespace registry {

using Values = std::vector<double>;

// What the reference gets: the inputs, samples one after the other, and the labels of the batch.
struct Problem {
  std::size_t count = 1;
  std::vector<Values> inputs;
  std::vector<int> labels;
};
using Reference = std::function<Values(const Problem&)>;

// Values are drawn from [low, high]; those closer than `margin` to a kink of the op are drawn again.
struct Domain {
  double low = -1, high = 1, kink = 0, margin = 0;
};

template <class S, bool Batched, bool Tracked>
struct Input {
  using shape = S;
  static constexpr bool batched = Batched, tracked = Tracked;
  static constexpr std::size_t elements(std::size_t count) { return S::size * (Batched ? count : 1); }
  Domain domain;
};
// One value per sample; one for the whole batch; one per sample without a gradient.
template <std::size_t... E>
Input<vitrail::Shape<E...>, true, true> each(Domain domain = {}) {
  return {domain};
}
template <std::size_t... E>
Input<vitrail::Shape<E...>, false, true> once(Domain domain = {}) {
  return {domain};
}
template <std::size_t... E>
Input<vitrail::Shape<E...>, true, false> data(Domain domain = {}) {
  return {domain};
}

// units: |float result - reference| <= units * eps * max(|reference|, floor); floor < 0: the root mean square of the
// reference.
struct Tolerance {
  double units, floor = -1;
};

template <class Build, class... Inputs>
struct Case {
  std::string name;
  Tolerance tolerance;
  Build build;  // build(labels, inputs...) -> Var or expression
  Reference reference;
  std::tuple<Inputs...> inputs;
  std::vector<int> labels{0};  // repeated over the batch
};
template <class Build, class... Inputs>
Case<Build, Inputs...> op_case(std::string name, Tolerance tolerance, Build build, Reference reference,
                               Inputs... inputs) {
  return {std::move(name), tolerance, build, std::move(reference), {inputs...}};
}
template <class Build, class... Inputs>
Case<Build, Inputs...> with_labels(std::vector<int> labels, Case<Build, Inputs...> c) {
  c.labels = std::move(labels);
  return c;
}

// The seed, step and first sample of every run, for ops that draw.
inline constexpr vitrail::RandomStream stream{.seed = 20240607, .step = 3, .site = 0};
inline constexpr std::uint32_t first_sample = 11;

// Inputs as floats, so that float and double runs see the same numbers.
inline Values draw(const Domain& domain, std::size_t size, std::uint32_t site) {
  Values values(size);
  std::uint32_t sample = 0;
  for (std::size_t i = 0; i < size; sample = 0, ++i) {
    do {
      const float u = vitrail::uniform_at<float>({1234, 0, site}, sample++, i);
      values[i] = static_cast<float>(domain.low + (domain.high - domain.low) * static_cast<double>(u));
    } while (std::abs(values[i] - domain.kink) < domain.margin);
  }
  return values;
}
template <class C>
Problem problem_of(const C& c, std::size_t count) {
  Problem p;
  p.count = count;
  std::apply(
      [&](const auto&... in) {
        (p.inputs.push_back(draw(in.domain, in.elements(count), 17 * std::uint32_t(p.inputs.size()))), ...);
      },
      c.inputs);
  for (std::size_t b = 0; b < count; ++b) p.labels.push_back(c.labels[b % c.labels.size()]);
  return p;
}

// The names of the operations that the cases of all files put on a tape, filled before main; see complete.cpp.
inline std::set<std::string>& covered_operations() {
  static std::set<std::string> names;
  return names;
}

}  // namespace registry
