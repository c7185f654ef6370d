// widened.hpp - an operation on values that lie as P::stored, by way of copies as P::value: for operations that do not
// read and write P::stored themselves.
#pragma once

#include <array>
#include <cstddef>

#include "../backend/values.hpp"
#include "arguments.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// Op on inputs of Sizes elements per sample or batch. Bit i of Stored and Tracked: input i; output_bit: the result. The
// copies lie in the operation's scratch memory.
template <class Op, unsigned Stored, unsigned Tracked, std::size_t... Sizes>
struct Widened {
  using shape = typename Op::shape;
  static constexpr const char* name = Op::name;
  static constexpr bool across_batch = mixes_samples<Op>, of_each_sample = makes_samples<Op>;
  static constexpr unsigned packed_inputs = detail::packed_inputs<Op>();
  static constexpr std::size_t N = sizeof...(Sizes), sizes[N] = {Sizes...};
  static constexpr bool has(unsigned mask, std::size_t bit) { return (mask >> bit) & 1; }
  static constexpr bool of_result = (Stored & output_bit) != 0;
  Op op;

  template <class P>
  static constexpr Facts own = Op::template facts<P>([] {
    std::array<bool, N> tracked{};
    for (std::size_t i = 0; i < N; ++i) tracked[i] = has(Tracked, i);
    return tracked;
  }());
  // What backward reads of the result it reads unrounded.
  template <class P>
  static constexpr bool keeps_result = of_result&& Tracked && (own<P>.saves & output_bit);
  template <class P>
  static constexpr Facts facts(std::array<bool, N>) {
    Facts f = own<P>;
    if (keeps_result<P>) {
      f.saves &= ~output_bit;
      f.state.per_sample += shape::size;
    }
    for (std::size_t i = 0; i < N; ++i) {
      if (!has(Stored, i)) continue;
      f.forward_work.per_sample += sizes[i];
      f.backward_work.per_sample += (has(f.saves, i) ? sizes[i] : 0) + (has(Tracked, i) ? sizes[i] : 0);
    }
    if (of_result) {
      f.forward_work.per_sample += shape::size;
      f.backward_work.per_sample += shape::size;
    }
    return f;
  }

  template <class P>
  void forward(const Arguments<P, N, Stored>& a) const {
    auto wide = arguments(a);
    auto* room = a.work.per_sample + a.count * own<P>.forward_work.per_sample;
    for (std::size_t i = 0; i < N; ++i) {
      wide.in[i] = has(Stored, i) ? widened(a, a.in[i], sizes[i], room) : as_values(a, a.in[i]);
    }
    if constexpr (of_result) {
      wide.out = keeps_result<P> ? kept_result(a) : room;
      op.forward(wide);
      convert(a, wide.out, a.out, shape::size, false);
    } else {
      wide.out = a.out;
      op.forward(wide);
    }
  }
  template <class P>
  requires has_backward<Op, Arguments<P, N>>
  void backward(const Arguments<P, N, Stored>& a) const {
    constexpr unsigned saves = own<P>.saves, partial = own<P>.partial;
    auto wide = arguments(a);
    auto* room = a.work.per_sample + a.count * own<P>.backward_work.per_sample;
    for (std::size_t i = 0; i < N; ++i) {
      const auto& g = a.gradient[i];
      if (!has(Stored, i)) {
        wide.in[i] = as_values(a, a.in[i]);
        wide.gradient[i] = {as_values(a, g.at), g.mode};
        continue;
      }
      if (has(saves, i)) wide.in[i] = widened(a, a.in[i], sizes[i], room);
      wide.gradient[i].mode = g.mode;
      if (!g.wanted()) continue;
      wide.gradient[i] = {room, has(partial, i) ? Mode::write_zero_rest : Mode::write};
      room += a.count * sizes[i];
    }
    if constexpr (of_result) {
      wide.out_gradient = widened(a, a.out_gradient, shape::size, room);
      wide.out = keeps_result<P> ? kept_result(a) : room - a.count * shape::size;  // else of no account
    } else {
      wide.out = a.out, wide.out_gradient = a.out_gradient;
    }
    op.backward(wide);
    for (std::size_t i = 0; i < N; ++i) {
      const auto& g = a.gradient[i];
      if (!has(Stored, i) || !g.wanted()) continue;
      convert(a, wide.gradient[i].at, static_cast<stored_of<P>*>(g.at), sizes[i], g.adds());
    }
  }

 private:
  template <class P>
  static typename P::value* kept_result(const Arguments<P, N, Stored>& a) {
    return a.state.per_sample + a.count * own<P>.state.per_sample;
  }
  template <class P>
  static Arguments<P, N> arguments(const Arguments<P, N, Stored>& a) {
    Arguments<P, N> wide;
    wide.backend = a.backend, wide.count = a.count;
    wide.state = a.state, wide.work = a.work;
    wide.random = a.random, wide.first_sample = a.first_sample;
    for (std::size_t i = 0; i < N; ++i) wide.packed[i] = a.packed[i];
    return wide;
  }
  // What lies as values.
  template <class P>
  static const typename P::value* as_values(const Arguments<P, N, Stored>&, const void* at) {
    return static_cast<const typename P::value*>(at);
  }
  template <class P>
  static typename P::value* as_values(const Arguments<P, N, Stored>&, void* at) {
    return static_cast<typename P::value*>(at);
  }
  template <class P, class From, class To>
  static void convert(const Arguments<P, N, Stored>& a, const From* from, To* to, std::size_t size, bool adds) {
    a.backend->elementwise(a.count * size, ConvertValues<From, To>{from, to, adds});
  }
  // A copy as values at `room`, which moves on.
  template <class P, class T>
  static T* widened(const Arguments<P, N, Stored>& a, const void* from, std::size_t size, T*& room) {
    T* const copy = room;
    convert(a, static_cast<const stored_of<P>*>(from), copy, size, false);
    room += a.count * size;
    return copy;
  }
};

}  // namespace vitrail::inline VITRAIL_TU::detail
