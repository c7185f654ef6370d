// callable.hpp - the callables that users give to steps and predictors: what they must return.
#pragma once

#include <tuple>
#include <type_traits>

#include "refuse.hpp"

namespace vitrail::inline VITRAIL_TU {

// What the callable of a training step returns: the loss, and whatever else shall be kept to the step's end. All are
// Vars.
template <class Loss, class... Results>
struct Step {
  static_assert(is_var<Loss> && (is_var<Results> && ...),
                "Step: an expression is not evaluated yet: write `vt::Var loss = ...` and return that");
  Loss loss;
  std::tuple<Results...> results;
  constexpr Step(Loss l, Results... r) : loss(l), results(r...) {}
};

template <class Returned>
struct error_the_callable_of_a_training_step_does_not_return_a_vt_Step;
template <class Returned>
struct error_the_callable_of_a_predictor_does_not_return_a_Var;

namespace detail {

template <class X>
inline constexpr bool is_step = false;
template <class... Results>
inline constexpr bool is_step<Step<Results...>> = true;

// f(net, x, labels), whose x is a Var.
template <class F, class Net, class X, class L>
constexpr auto call_step(F& f, const Net& net, const X& x, const L& labels) {
  using Returned = decltype(f(net, x, labels));
  if constexpr (is_step<Returned>) {
    return f(net, x, labels);
  } else {
    return Step{refuse<error_the_callable_of_a_training_step_does_not_return_a_vt_Step<Returned>>(x.ctx)};
  }
}
// f(net, x), or f(net, x, labels).
template <class F, class Net, class X, class... L>
constexpr auto call_predictor(F& f, const Net& net, const X& x, const L&... labels) {
  using Returned = decltype(f(net, x, labels...));
  if constexpr (is_var<Returned>) {
    return f(net, x, labels...);
  } else {
    return refuse<error_the_callable_of_a_predictor_does_not_return_a_Var<Returned>>(x.ctx);
  }
}

}  // namespace detail

}  // namespace vitrail::inline VITRAIL_TU
