// stored.hpp - in which type values lie in memory: those of samples may be shorter than those that are computed with.
//
// A policy with a type `stored` besides `value` (float) keeps what there is once for each sample, activations and their
// gradients, as `stored` (bf16). What there is once for the whole batch stays `value`: parameters and their gradients,
// running statistics, losses; so does an operation's own state and scratch memory.
#pragma once

#include <cstddef>
#include <type_traits>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
template <class P>
struct StoredOf {
  using type = typename P::value;
};
template <class P>
requires requires { typename P::stored; }
struct StoredOf<P> {
  using type = typename P::stored;
};
// Does a context keep values as its policy says? One outside of a step does not.
template <class Context>
concept stores_values = requires {
  Context::stores_values;
};
template <class Context>
concept stores_mixed = !stores_values<Context> && requires {
  typename Context::policy::stored;
};
// What a value of a context lies in.
template <class Context, bool Batched>
struct StoredIn {
  using type = typename Context::value;
};
template <stores_mixed Context>
struct StoredIn<Context, true> {
  using type = typename Context::policy::stored;
};
}  // namespace detail

template <class P>
using stored_of = typename detail::StoredOf<P>::type;
template <class P>
inline constexpr bool is_mixed = !std::is_same_v<stored_of<P>, typename P::value>;

namespace detail {
template <class P>
struct Unmixed {
  using value = typename P::value;
  using backend = typename P::backend;
  using tune = typename P::tune;
};
}  // namespace detail
// P with all values as they are computed with.
template <class P>
using unmixed = std::conditional_t<is_mixed<P>, detail::Unmixed<P>, P>;

// Bytes of an element of what there is once, and of what there is for each sample.
struct ElementBytes {
  std::size_t value, stored;
};
template <class P>
inline constexpr ElementBytes element_bytes_of{sizeof(typename P::value), sizeof(stored_of<P>)};

}  // namespace vitrail::inline VITRAIL_TU
