// var.hpp - a value of a step: what forward functions receive, combine and return.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

#include "../error.hpp"
#include "param.hpp"
#include "stored.hpp"

namespace vitrail::inline VITRAIL_TU {

template <class T>
inline constexpr bool is_expression = false;  // specialised in expr/expression.hpp
template <class E>
constexpr auto evaluate(E&& e);

// S per sample. Batched: one per sample of the step's batch, else one for all. Tracked: something trainable flows into
// it, so it has a gradient. Context is where it lives: a tape that runs, or a trace that only counts. Always
// contiguous.
template <class S, bool Batched, bool Tracked, class Context>
struct Var {
  using shape = S;
  using context = Context;
  using value = typename Context::value;
  using stored = typename detail::StoredIn<Context, Batched>::type;
  static constexpr bool batched = Batched, tracked = Tracked;

  Context* ctx = nullptr;
  int id = -1;
  stored* data = nullptr;

  constexpr Var(Context* context_, int id_, stored* data_) : ctx(context_), id(id_), data(data_) {}
  template <class E>
  requires is_expression<std::remove_cvref_t<E>>
  constexpr Var(E&& e) : Var(evaluate(static_cast<E&&>(e))) {}
};
// The same value of the step, seen with another shape of as many elements, or as one without a gradient.
template <class S, bool Tracked, class V>
constexpr auto same_value(const V& v) {
  return Var<S, V::batched, Tracked, typename V::context>(v.ctx, v.id, v.data);
}

namespace detail {
template <class E>
struct Evaluated {};
template <class E>
requires is_expression<std::remove_cvref_t<E>>
struct Evaluated<E> {
  using type = decltype(evaluate(std::declval<E>()));
};
}  // namespace detail
// By the result, not by the expression: what is refused has no shape.
template <class E, class V = typename detail::Evaluated<E>::type>
Var(E&&) -> Var<typename V::shape, V::batched, V::tracked, typename V::context>;

template <class T>
inline constexpr bool is_var = false;
template <class S, bool Batched, bool Tracked, class Context>
inline constexpr bool is_var<Var<S, Batched, Tracked, Context>> = true;

// The class numbers of a batch as a step sees them: Length for each sample, those of the next one Stride further;
// `data` where operations read them, `host` where the host does; null while a step is traced.
template <class Context, std::size_t Length = 1, std::size_t Stride = Length>
struct LabelsVar {
  static constexpr std::size_t length = Length, stride = Stride;
  Context* ctx = nullptr;
  const int *data = nullptr, *host = nullptr;
};
// Calls check(labels, count) for labels that an operation is about to read, in contexts that have them.
template <class L, class Check>
constexpr void check_labels_of(const L& labels, const Check& check) {
  if constexpr (requires { labels.ctx->check_labels(labels, check); }) labels.ctx->check_labels(labels, check);
}
template <class L>
inline constexpr bool is_labels = false;
template <class Context, std::size_t Length, std::size_t Stride>
inline constexpr bool is_labels<LabelsVar<Context, Length, Stride>> = true;
// How many labels a sample of a model has: one, or M::labels_per_sample (a sequence). The callable of a training step
// may say it too, for its model.
template <class M>
constexpr std::size_t labels_per_sample() {
  if constexpr (requires { M::labels_per_sample; }) {
    return M::labels_per_sample;
  } else {
    return 1;
  }
}

// Whether an operand is one for the whole batch: a parameter, or a Var that is not batched.
template <class V>
constexpr bool is_one_for_all() {
  if constexpr (is_var<V>) {
    return !V::batched;
  } else {
    return true;
  }
}

namespace detail {
[[noreturn, gnu::noinline]] inline void refuse_var_of_another_step() {
  throw error("a Var of another step or tape takes part in an operation: its memory and gradient are not here");
}
}  // namespace detail

// A parameter takes part in an operation as a Var of the context; frozen ones, and all where there are no gradients,
// untracked. A Var of another context, or a trainable parameter of another model than the step's, throws.
template <class Context, class V>
constexpr auto as_var(Context* ctx, const V& v) {
  if constexpr (is_var<V>) {
    static_assert(std::is_same_v<Context, typename V::context>, "a Var of another step takes part in an operation");
    if (v.ctx != ctx) detail::refuse_var_of_another_step();
    return v;
  } else {
    using T = typename Context::value;
    static_assert(std::is_same_v<T, typename V::value>, "a parameter and the step have different value types");
    if constexpr (V::trainable && Context::gradients) {
      ctx->check_parameter(v.slot, v.data);
      return Var<typename V::shape, false, true, Context>(ctx, v.slot, const_cast<T*>(v.data));
    } else {
      return Var<typename V::shape, false, false, Context>(ctx, -1, const_cast<T*>(v.data));
    }
  }
}

}  // namespace vitrail::inline VITRAIL_TU
