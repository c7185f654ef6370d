// reducers.hpp - what a reduction does with the elements that make one result: vt::op::sum, mean, max, min, var, norm
// and logsumexp.
//
// One of them has a name, its FLOPs per element, what backward reads, and for n elements per result a reducer: a struct
// of numbers with of(elements) -> result and pull(elements, y, g), the gradient (reduce_elements.hpp
// describes elements).
#pragma once

#include <cstddef>
#include <string>
#include <type_traits>

#include "../autodiff/facts.hpp"
#include "../backend/lane_math.hpp"
#include "../backend/rows.hpp"
#include "../error.hpp"
#include "reduce_elements.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// y = scale sum(x), dx = scale g.
template <class T>
struct ScaledSum {
  T scale;
  template <class E>
  VITRAIL_FUNCTION auto of(const E& x) const {
    const auto total = x.sum([](const auto& v) VITRAIL_LAMBDA { return v; });
    return total * scale;
  }
  template <class E, class Y>
  VITRAIL_FUNCTION void pull(const E& x, const Y&, const Y& g) const {
    const typename E::L each = typename E::L(g) * typename E::L(scale);
    x.each([&](const auto&) VITRAIL_LAMBDA { return each; });
  }
};
// Yes for the value sought, and for NaN: a maximum is NaN if one value is.
template <class Y>
struct FirstOf {
  Y sought;
  template <class L>
  VITRAIL_FUNCTION L operator()(const L& v, const L& yes, const L& no) const {
    return select(v != v, yes, apart<L>(select(v == L(sought), yes, no)));
  }
};
// y = sign max(sign x): sign -1 gives the minimum. dx = g for the first x that is y.
template <class T>
struct Extreme {
  T sign;
  template <class E>
  VITRAIL_FUNCTION auto of(const E& x) const {
    return x.max([&](const auto& v) VITRAIL_LAMBDA { return v * typename E::L(sign); }) * sign;
  }
  template <class E, class Y>
  VITRAIL_FUNCTION void pull(const E& x, const Y& y, const Y& g) const {
    x.each_first(FirstOf<Y>{y}, g);
  }
};
// The ordinal of the largest element; of the first one if there are several, or of the first NaN.
template <class T>
struct FirstMaximum {
  template <class E>
  VITRAIL_FUNCTION auto of(const E& x) const {
    const auto top = x.max([](const auto& v) VITRAIL_LAMBDA { return v; });
    return x.first(FirstOf<std::remove_const_t<decltype(top)>>{top});
  }
};
// y = factor sum((x - mean)^2), dx = 2 factor (x - mean) g. The mean comes first, so that a large one costs no digits.
template <class T>
struct Variance {
  T inverse, factor;  // 1 / n and 1 / (n - correction)
  template <class E>
  VITRAIL_FUNCTION auto mean(const E& x) const {
    return x.sum([](const auto& v) VITRAIL_LAMBDA { return v; }) * inverse;
  }
  template <class E>
  VITRAIL_FUNCTION auto of(const E& x) const {
    using L = typename E::L;
    const L centre = L(mean(x));
    return x.sum([&](const auto& v) VITRAIL_LAMBDA { return (v - centre) * (v - centre); }) * factor;
  }
  template <class E, class Y>
  VITRAIL_FUNCTION void pull(const E& x, const Y&, const Y& g) const {
    using L = typename E::L;
    const L centre = L(mean(x)), slope = L(g) * L(factor + factor);
    x.each([&](const auto& load) VITRAIL_LAMBDA { return (load() - centre) * slope; });
  }
};
// y = sqrt(sum(x^2)), dx = x / y g, and 0 where y is 0.
template <class T>
struct EuclideanNorm {
  template <class E>
  VITRAIL_FUNCTION auto of(const E& x) const {
    return sqrt(x.sum([](const auto& v) VITRAIL_LAMBDA { return v * v; }));
  }
  template <class E, class Y>
  VITRAIL_FUNCTION void pull(const E& x, const Y& y, const Y& g) const {
    using L = typename E::L;
    const L length = L(y), slope = select(length > constant<L>(0), L(g) / length, constant<L>(0));
    x.each([&](const auto& load) VITRAIL_LAMBDA { return load() * slope; });
  }
};
// y = top + log(sum(exp(x - top))) with top = max(x), dx = exp(x - y) g. An infinite top is not subtracted: all -inf
// give -inf, and a gradient of 0.
template <class T>
struct LogOfSumOfExp {
  template <class E>
  VITRAIL_FUNCTION auto of(const E& x) const {
    using L = typename E::L;
    const auto top = x.max([](const auto& v) VITRAIL_LAMBDA { return v; });
    const auto shift = finite(top);
    const L by = L(shift);
    return shift + log(x.sum([&](const auto& v) VITRAIL_LAMBDA { return exp(v - by); }));
  }
  template <class E, class Y>
  VITRAIL_FUNCTION void pull(const E& x, const Y& y, const Y& g) const {
    using L = typename E::L;
    const L by = L(finite(y)), slope = L(g);
    x.each([&](const auto& load) VITRAIL_LAMBDA { return exp(load() - by) * slope; });
  }

 private:
  // x - x is 0 for every number but infinities and NaN.
  template <class Y>
  VITRAIL_FUNCTION static Y finite(const Y& x) {
    return select(x - x == Y(T(0)), x, Y(T(0)));
  }
};

[[noreturn, gnu::noinline]] inline void refuse_correction(std::size_t n, double correction) {
  throw shape_error("var: expected more values than the correction of " + std::to_string(correction) + ", found " +
                    std::to_string(n));
}

}  // namespace detail

namespace op {

struct sum {
  static constexpr const char* name = "sum";
  static constexpr std::size_t flops = 1;
  static constexpr unsigned saves = 0;
  template <class T>
  auto reducer(std::size_t) const {
    return detail::ScaledSum<T>{T(1)};
  }
};
struct mean {
  static constexpr const char* name = "mean";
  static constexpr std::size_t flops = 1;
  static constexpr unsigned saves = 0;
  template <class T>
  auto reducer(std::size_t n) const {
    return detail::ScaledSum<T>{T(1) / static_cast<T>(n)};
  }
};
struct max {
  static constexpr const char* name = "max";
  static constexpr std::size_t flops = 1;
  static constexpr unsigned saves = 1u | output_bit;
  template <class T>
  auto reducer(std::size_t) const {
    return detail::Extreme<T>{T(1)};
  }
};
struct min {
  static constexpr const char* name = "min";
  static constexpr std::size_t flops = 1;
  static constexpr unsigned saves = 1u | output_bit;
  template <class T>
  auto reducer(std::size_t) const {
    return detail::Extreme<T>{T(-1)};
  }
};
// correction: 1 for the variance of a population from a sample of it (Bessel), 0 for the mean of the squares.
struct var {
  double correction = 1;
  static constexpr const char* name = "var";
  static constexpr std::size_t flops = 4;
  static constexpr unsigned saves = 1;
  template <class T>
  auto reducer(std::size_t n) const {
    const T values = static_cast<T>(n);
    return detail::Variance<T>{T(1) / values, T(1) / (values - static_cast<T>(correction))};
  }
  constexpr void check(std::size_t n) const {
    if (!(static_cast<double>(n) > correction)) detail::refuse_correction(n, correction);
  }
};
struct norm {
  static constexpr const char* name = "norm";
  static constexpr std::size_t flops = 2;
  static constexpr unsigned saves = 1u | output_bit;
  template <class T>
  auto reducer(std::size_t) const {
    return detail::EuclideanNorm<T>{};
  }
};
struct logsumexp {
  static constexpr const char* name = "logsumexp";
  static constexpr std::size_t flops = 4;
  static constexpr unsigned saves = 1u | output_bit;
  template <class T>
  auto reducer(std::size_t) const {
    return detail::LogOfSumOfExp<T>{};
  }
};
// No gradient. The ordinal counts in the order of memory over all axes that are reduced.
struct argmax {
  static constexpr const char* name = "argmax";
  static constexpr std::size_t flops = 2;
  static constexpr unsigned saves = 0;
  template <class T>
  auto reducer(std::size_t) const {
    return detail::FirstMaximum<T>{};
  }
};

}  // namespace op

}  // namespace vitrail::inline VITRAIL_TU
