// refuse.hpp - how an operation says that it does not accept its inputs: once, where the mistake is.
#pragma once

#include <type_traits>

#include "var.hpp"

namespace vitrail::inline VITRAIL_TU {

// The shape of a result that cannot be. Every further operation passes it on instead of failing too.
struct Refused : Shape<> {};
// Unbatched and tracked: it may pass for a loss.
template <class Context>
using RefusedVar = Var<Refused, false, true, Context>;
template <class V>
inline constexpr bool is_refused = false;
template <class Context>
inline constexpr bool is_refused<RefusedVar<Context>> = true;

// The context of operations that no Var takes part in.
struct NoStep {
  using value = float;
  static constexpr bool gradients = false, training = false;
};
// A context in which refused inputs are no error but an answer (probe.hpp).
template <class Context>
concept is_silent = requires {
  requires Context::silent;
};

namespace detail {
// The context of the first Var among the inputs of an operation or module.
constexpr NoStep* context_of() { return nullptr; }
template <class X, class... More>
constexpr auto* context_of(const X& x, const More&... more) {
  if constexpr (is_var<X>) {
    return x.ctx;
  } else {
    return context_of(more...);
  }
}
}  // namespace detail

template <class Context>
constexpr auto refused(Context* ctx) {
  return RefusedVar<Context>(ctx, -1, nullptr);
}

// An operation whose inputs do not fit returns
//   refuse<error_linear_last_axis_is_not_in_features<512, 768>>(x, weight, bias)
// with an incomplete type that says what is wrong, in integers or shapes, and all its inputs. Compilers print that type
// in their first error. Nothing is said of inputs that were refused before, and nothing in a silent context. For
// further operations the result is a Var.
template <class Error, class Context>
constexpr auto refuse(Context* ctx) {
  if constexpr (!is_silent<Context>) (void)sizeof(Error);  // docs/errors.md: cause and cure
  return refused(ctx);
}
template <class Error, class... V>
constexpr auto refuse(const V&... inputs) {
  auto* ctx = detail::context_of(inputs...);
  if constexpr (!is_silent<std::remove_pointer_t<decltype(ctx)>> && !(is_refused<V> || ...)) {
    (void)sizeof(Error);  // docs/errors.md: cause and cure
  }
  return refused(ctx);
}

}  // namespace vitrail::inline VITRAIL_TU
