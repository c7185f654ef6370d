// move.hpp - the operation behind rearrange, repeat, permute and transpose: every element of the result is one of the
// input.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "../autodiff/driver.hpp"
#include "../expr/expression.hpp"
#include "strided_copy.hpp"
#include "strided_sum.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// The same value under another shape of as many elements. It keeps its number, so that to a tape or a trace it is the
// same value, with the same gradient: nothing is computed, in either direction.
template <class S, class T, bool Trainable, bool Decays, class Initial, class Old>
constexpr auto as_shape(const Parameter<Old, T, Trainable, Decays, Initial>& p) {
  if constexpr (Trainable) {
    return Parameter<S, T, true, Decays, Initial>{p.data, p.slot};
  } else {
    return Parameter<S, T, false, Decays, Initial>{p.data};
  }
}
template <class S, class V>
requires is_var<V>
constexpr auto as_shape(const V& v) { return same_value<S, V::tracked>(v); }

}  // namespace detail

// M has the shapes `from` and `shape`, the name, and `axes`, those of one sample.
template <class M>
struct MoveOp {
  using shape = typename M::shape;
  static constexpr const char* name = M::name;
  static constexpr bool repeats = has_repeats(M::axes);

  template <class P>
  static constexpr Facts facts(std::array<bool, 1> tracked) {
    Facts f;
    f.backward_flops = tracked[0] && repeats ? shape::size : 0;
    f.recompute_cost = shape::size * elementwise_cost;
    return f;
  }
  template <class P, unsigned Stored>
  requires(Stored == 0 || !repeats) void forward(const Arguments<P, 1, Stored>& a) const {
    detail::strided_copy(*a.backend, samples(a.count), input_at<0>(a), a.out);
  }
  template <class P, unsigned Stored>
  requires(Stored == 0 || !repeats) void backward(const Arguments<P, 1, Stored>& a) const {
    const auto& g = a.gradient[0];
    if (!g.wanted()) return;
    if constexpr (repeats) {
      detail::strided_sum(*a.backend, samples(a.count), a.out_gradient, g.at, g.adds());
    } else {
      detail::strided_copy(*a.backend, reversed(samples(a.count)), a.out_gradient, gradient_at<0>(a), g.adds());
    }
  }

 private:
  static StridedAxes samples(std::size_t count) { return with_samples(M::axes, count, M::from::size, shape::size); }
};

namespace detail {
// Elements that stay in their order are only given another shape.
template <class M, class V>
constexpr auto move(const V& v) {
  if constexpr (moves_nothing(M::axes)) {
    return as_shape<typename M::shape>(v);
  } else {
    return apply(MoveOp<M>{}, v);
  }
}
}  // namespace detail

template <std::size_t Given, std::size_t Expected>
struct error_reshape_has_another_number_of_elements;

// x with the same elements in row-major order under the shape S of one sample; free. numpy.reshape.
template <class S, Operand X>
constexpr auto reshape(X&& x) {
  const auto v = evaluate(static_cast<X&&>(x));
  using From = typename std::remove_cvref_t<decltype(v)>::shape;
  if constexpr (From::size != S::size) {
    return refuse<error_reshape_has_another_number_of_elements<S::size, From::size>>(v);
  } else {
    return detail::as_shape<S>(v);
  }
}

}  // namespace vitrail::inline VITRAIL_TU
