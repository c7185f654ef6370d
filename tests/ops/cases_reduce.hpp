// cases_reduce.hpp - registry: reductions over axes by number and by pattern, against lists of the values that make
// each result.
#pragma once

#include <vitrail/ops/reduce.hpp>

#include <algorithm>
#include <cmath>
#include <string>

#include "registry.hpp"

namespace registry {

namespace vt = vitrail;

using Numbers = std::vector<std::size_t>;
using Reducer = double (*)(const Values&);

inline double naive_sum(const Values& v) {
  double sum = 0;
  for (const double x : v) sum += x;
  return sum;
}
inline double naive_mean(const Values& v) { return naive_sum(v) / static_cast<double>(v.size()); }
inline double naive_max(const Values& v) { return *std::max_element(v.begin(), v.end()); }
inline double naive_min(const Values& v) { return *std::min_element(v.begin(), v.end()); }
inline double naive_squares(const Values& v) {
  const double mean = naive_mean(v);
  double sum = 0;
  for (const double x : v) sum += (x - mean) * (x - mean);
  return sum;
}
inline double naive_var(const Values& v) { return naive_squares(v) / (static_cast<double>(v.size()) - 1); }
inline double naive_population_var(const Values& v) { return naive_squares(v) / static_cast<double>(v.size()); }
inline double naive_norm(const Values& v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}
inline double naive_logsumexp(const Values& v) {
  double sum = 0;
  for (const double x : v) sum += std::exp(x);
  return std::log(sum);
}
inline double naive_argmax(const Values& v) {
  return static_cast<double>(std::max_element(v.begin(), v.end()) - v.begin());
}

// `dims` of a sample; `kept` are the axes of the result, in its order. Values come in the order of memory.
inline Reference naive_reduce(Numbers dims, Numbers kept, Reducer reduce) {
  return [=](const Problem& p) {
    const Values& x = p.inputs[0];
    std::size_t size = 1, results = 1;
    for (const std::size_t d : dims) size *= d;
    for (const std::size_t axis : kept) results *= dims[axis];
    const std::size_t samples = x.size() / size;
    std::vector<Values> groups(samples * results);
    for (std::size_t i = 0; i < x.size(); ++i) {
      Numbers index(dims.size());
      std::size_t rest = i % size, at = i / size;
      for (std::size_t axis = dims.size(); axis-- > 0; rest /= dims[axis]) index[axis] = rest % dims[axis];
      for (const std::size_t axis : kept) at = at * dims[axis] + index[axis];
      groups[at].push_back(x[i]);
    }
    Values y;
    for (const Values& group : groups) y.push_back(reduce(group));
    return y;
  };
}

// Sums and means in every arrangement of axes: innermost, outermost, middle, several, all, none that count.
template <class F>
void reduce_axes_cases(const F& run) {
  run(op_case(
      "sum, last axis", {8}, [](auto, auto x) { return vt::sum<-1>(x); }, naive_reduce({3, 37}, {0}, naive_sum),
      each<3, 37>()));
  run(op_case(
      "sum, first axis", {8}, [](auto, auto x) { return vt::sum<0>(x); }, naive_reduce({11, 35}, {1}, naive_sum),
      each<11, 35>()));
  run(op_case(
      "sum of a wide first axis", {8}, [](auto, auto x) { return vt::sum<0>(x); },
      naive_reduce({3, 133}, {1}, naive_sum), each<3, 133>()));
  run(op_case(
      "mean, middle axis", {8}, [](auto, auto x) { return vt::mean<1>(x); },
      naive_reduce({3, 5, 7}, {0, 2}, naive_mean), each<3, 5, 7>()));
  run(op_case(
      "mean, first and last axis", {8}, [](auto, auto x) { return vt::mean<0, 2>(x); },
      naive_reduce({3, 5, 7}, {1}, naive_mean), each<3, 5, 7>()));
  run(op_case(
      "sum, all but one of four axes", {8}, [](auto, auto x) { return vt::sum<0, -2, -1>(x); },
      naive_reduce({2, 3, 5, 2}, {1}, naive_sum), each<2, 3, 5, 2>()));
  run(op_case(
      "sum, axes 0 and 2 of four", {8}, [](auto, auto x) { return vt::sum<2, 0>(x); },
      naive_reduce({2, 3, 5, 7}, {1, 3}, naive_sum), each<2, 3, 5, 7>()));
  run(op_case(
      "mean of all, one for the batch", {8}, [](auto, auto x) { return vt::mean(x); },
      naive_reduce({5, 7}, {}, naive_mean), once<5, 7>({0.5, 1.5})));
  run(op_case(
      "sum of a scalar and an axis of one", {8}, [](auto, auto x) { return vt::sum(vt::sum<1>(x)); },
      naive_reduce({3, 1}, {}, naive_sum), each<3, 1>({0.5, 1})));
  run(op_case(
      "sum of an expression, a parameter and data in it", {16}, [](auto, auto x, auto w) { return vt::sum<0>(x * w); },
      [](const Problem& p) {
        Problem product{p.count, {p.inputs[0]}, p.labels};
        for (std::size_t i = 0; i < product.inputs[0].size(); ++i) product.inputs[0][i] *= p.inputs[1][i % 7];
        return naive_reduce({3, 7}, {1}, naive_sum)(product);
      },
      data<3, 7>(), once<7>()));
  run(op_case(
      "reduce, pattern with groups", {8},
      [](auto, auto x) { return vt::reduce<"(h p) (w q) c -> h w c", vt::op::mean, vt::with{.p = 2, .q = 3}>(x); },
      naive_reduce({2, 2, 3, 3, 5}, {0, 2, 4}, naive_mean), each<4, 9, 5>()));
  run(op_case(
      "reduce, pattern that transposes", {8}, [](auto, auto x) { return vt::reduce<"a h b -> b a", vt::op::sum>(x); },
      naive_reduce({3, 5, 7}, {2, 0}, naive_sum), each<3, 5, 7>()));
  run(op_case(
      "reduce, pattern that only moves", {0},
      [](auto, auto x) { return vt::reduce<"a (b c) -> (c a) 1 b", vt::op::sum, vt::with{.b = 2}>(x); },
      naive_reduce({3, 2, 5}, {2, 0, 1}, naive_sum), each<3, 10>()));
}

// Every other reduction with its values in a run and in lanes.
template <class F>
void reduce_kind_cases(const F& run) {
  run(op_case(
      "max, last axis", {0}, [](auto, auto x) { return vt::max<-1>(x); }, naive_reduce({3, 37}, {0}, naive_max),
      each<3, 37>({-50, 50})));
  run(op_case(
      "max, windows", {0},
      [](auto, auto x) { return vt::reduce<"(h p) (w q) c -> h w c", vt::op::max, vt::with{.p = 2, .q = 2}>(x); },
      naive_reduce({2, 2, 3, 2, 5}, {0, 2, 4}, naive_max), each<4, 6, 5>({-50, 50})));
  run(op_case(
      "min, all but the middle", {0}, [](auto, auto x) { return vt::min<0, 2>(x); },
      naive_reduce({3, 5, 19}, {1}, naive_min), each<3, 5, 19>({-50, 50})));
  run(op_case(
      "min, first axis", {0}, [](auto, auto x) { return vt::min<0>(x); }, naive_reduce({5, 19}, {1}, naive_min),
      once<5, 19>({-50, 50})));
  run(op_case(
      "var, last axis", {16}, [](auto, auto x) { return vt::var<1>(x); }, naive_reduce({3, 37}, {0}, naive_var),
      each<3, 37>({4, 6})));
  run(op_case(
      "var of a population, first axis", {16}, [](auto, auto x) { return vt::var<0>(x, {.correction = 0}); },
      naive_reduce({11, 19}, {1}, naive_population_var), each<11, 19>({4, 6})));
  run(op_case(
      "norm, last axis", {8}, [](auto, auto x) { return vt::norm<1>(x); }, naive_reduce({3, 37}, {0}, naive_norm),
      each<3, 37>()));
  run(op_case(
      "norm, first axis", {8}, [](auto, auto x) { return vt::norm<0>(x); }, naive_reduce({11, 19}, {1}, naive_norm),
      each<11, 19>()));
  run(op_case(
      "logsumexp, last axis", {8}, [](auto, auto x) { return vt::logsumexp<1>(x); },
      naive_reduce({3, 37}, {0}, naive_logsumexp), each<3, 37>({-4, 4})));
  run(op_case(
      "logsumexp of large numbers, first axis", {100}, [](auto, auto x) { return vt::logsumexp<0>(x * 1.0); },
      naive_reduce({11, 19}, {1}, naive_logsumexp), each<11, 19>({600, 605})));
  // argmax has no gradient: it takes part in one that has.
  run(op_case(
      "argmax, last axis", {4}, [](auto, auto x) { return vt::argmax<1>(x) + vt::sum<1>(x) * 0.0; },
      naive_reduce({3, 37}, {0}, naive_argmax), each<3, 37>({-50, 50})));
  run(op_case(
      "argmax, windows of lanes", {4},
      [](auto, auto x) { return vt::reduce<"a b c -> c", vt::op::argmax>(x) + vt::sum<0, 1>(x) * 0.0; },
      naive_reduce({3, 5, 19}, {2}, naive_argmax), each<3, 5, 19>({-50, 50})));
}

}  // namespace registry
