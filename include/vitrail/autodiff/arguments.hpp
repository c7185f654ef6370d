// arguments.hpp - what an operation's forward and backward receive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "../backend/philox.hpp"
#include "facts.hpp"
#include "stored.hpp"

namespace vitrail::inline VITRAIL_TU {

// Memory for a Space of an operation.
template <class T>
struct WorkRoom {
  T *per_sample = nullptr, *fixed = nullptr;
};

// What an operation's forward and backward receive. N inputs; `count` samples (1 if nothing is batched). A gradient
// that nobody wants has mode none; one that is an alias is there already.
// Stored says what lies as P::stored, bit i for input i and output_bit for the result (stored.hpp); with 0 all are
// values. An operation whose functions take any Stored reads input_at<I>(a) instead of a.in[I], and writes
// gradient_at<I>(a) instead of a.gradient[I].at.
template <class P, std::size_t N, unsigned Stored = 0>
struct Arguments {
  using policy = P;
  using value = typename P::value;
  template <std::size_t I>
  using stored = std::conditional_t<((Stored >> I) & 1) != 0, stored_of<P>, value>;
  using result = std::conditional_t<(Stored & output_bit) != 0, stored_of<P>, value>;
  using Address = std::conditional_t<Stored == 0, value*, void*>;
  using ConstAddress = std::conditional_t<Stored == 0, const value*, const void*>;
  struct Gradient {
    Address at = nullptr;
    Mode mode = Mode::none;
    bool wanted() const { return mode != Mode::none && mode != Mode::alias; }
    bool adds() const { return mode == Mode::add; }
  };
  using Room = WorkRoom<value>;

  const typename P::backend* backend = nullptr;
  std::size_t count = 0;
  ConstAddress in[N] = {};
  const value* packed[N] = {};  // input i in the product kernel's own layout, or null
  result* out = nullptr;
  Room state, work;
  const result* out_gradient = nullptr;
  Gradient gradient[N];
  RandomStream random;             // seed, step and, as site, the ordinal of this operation
  std::uint32_t first_sample = 0;  // number of the first sample in the global batch
};

// What input I of arguments A lies as.
template <std::size_t I, class A>
using stored_input = typename std::remove_cvref_t<A>::template stored<I>;
// Input I, and where its gradient goes, as what they lie as.
template <std::size_t I, class P, std::size_t N, unsigned Stored>
auto input_at(const Arguments<P, N, Stored>& a) {
  return static_cast<const stored_input<I, Arguments<P, N, Stored>>*>(a.in[I]);
}
template <std::size_t I, class P, std::size_t N, unsigned Stored>
auto gradient_at(const Arguments<P, N, Stored>& a) {
  return static_cast<stored_input<I, Arguments<P, N, Stored>>*>(a.gradient[I].at);
}

// Asked by a call: nvcc says no to `&Op::template backward<P>` where it should say yes, silently.
template <class Op, class A>
concept has_backward = requires(const Op& op, const A& a) {
  op.backward(a);
};
// Its result is one for the whole batch (a mean loss).
template <class Op>
concept mixes_samples = requires {
  requires Op::across_batch;
};
// Its result is one for each sample, whatever its inputs are: it reads something else of the samples.
template <class Op>
concept makes_samples = requires {
  requires Op::of_each_sample;
};

namespace detail {
// The inputs for which Arguments::packed is enough.
template <class Op>
constexpr unsigned packed_inputs() {
  if constexpr (requires { Op::packed_inputs; }) {
    return Op::packed_inputs;
  } else {
    return 0;
  }
}
}  // namespace detail

}  // namespace vitrail::inline VITRAIL_TU
