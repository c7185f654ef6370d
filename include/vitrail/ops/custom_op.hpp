// custom_op.hpp - an operation of a user's own, forward and backward, written for one sample: torch.autograd.Function.
//
// An operation is a small struct:
//   template <class X, class W> requires(...) using shape = X;   the result's Shape from the inputs' (per sample)
//   void forward(auto x, auto w, auto y) const;                  from all inputs, writes y
//   void backward(auto x, auto w, auto y, auto dy, auto dx, auto dw) const;   adds to the gradients: dx[i] += ...
// All arguments are SampleSpans. Optional: `name`; `saves`, what backward reads (bit i: input i, output_bit: y; without
// it, everything); `template <class X, class W> static constexpr std::size_t flops()` of a sample, forward.
// Without a backward nothing tracked may flow in. docs/custom_operations.md has complete examples.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include "../autodiff/driver.hpp"
#include "../backend/backend.hpp"
#include "../backend/rows.hpp"
#include "../expr/expression.hpp"

namespace vitrail::inline VITRAIL_TU {

// The elements of one sample of shape S, row-major: a span that knows its shape. T may be const.
template <class S, class T>
struct SampleSpan : std::span<T, S::size> {
  using shape = S;
  using std::span<T, S::size>::span;
};
// What backward adds to. If it is not wanted, it is scratch: to look is faster, but not necessary.
template <class S, class T>
struct GradientSpan : SampleSpan<S, T> {
  bool wanted = true;
  constexpr GradientSpan(T* first, std::size_t size, bool wanted_) : SampleSpan<S, T>(first, size), wanted(wanted_) {}
};

namespace detail {

// One sample is a program row. Batched: a mask of inputs; the others are one for all samples.
template <class Op, class T, class Y, unsigned Batched, class... S>
struct CustomForward {
  using value = T;
  static constexpr bool is_minor = true;  // a user's loops are not compiled for every instruction set
  static constexpr bool row_is_one_thread = true;
  Op op;
  const T* in[sizeof...(S)];
  T* out;

  template <std::size_t I, class X>
  VITRAIL_FUNCTION SampleSpan<X, const T> input(std::size_t r) const {
    return SampleSpan<X, const T>(in[I] + ((Batched >> I) & 1 ? r * X::size : 0), X::size);
  }
  template <class R>
  VITRAIL_FUNCTION void row(R, std::size_t r) const {
    call(r, std::index_sequence_for<S...>{});
  }

 private:
  template <std::size_t... I>
  VITRAIL_FUNCTION void call(std::size_t r, std::index_sequence<I...>) const {
    op.forward(input<I, S>(r)..., SampleSpan<Y, T>(out + r * Y::size, Y::size));
  }
};

// A chunk of samples is a program row. What is one for all samples, and what nobody wants, has memory of the chunk's.
template <class Op, class T, class Y, unsigned Batched, class... S>
struct CustomBackward : CustomForward<Op, T, Y, Batched, S...> {
  static constexpr std::size_t inputs = sizeof...(S);
  const T* out_gradient;
  T* gradient[inputs];  // null: of the chunk's
  bool wanted[inputs], writes[inputs];
  T* partial[inputs];
  std::size_t count, chunks;

  template <class R>
  VITRAIL_FUNCTION void row(R, std::size_t chunk) const {
    constexpr std::size_t sizes[] = {S::size...};
    for (std::size_t i = 0; i < inputs; ++i) {
      if (!gradient[i]) clear(partial[i] + chunk * sizes[i], sizes[i]);
    }
    for (std::size_t r = count * chunk / chunks; r < count * (chunk + 1) / chunks; ++r) {
      for (std::size_t i = 0; i < inputs; ++i) {
        if (gradient[i] && writes[i]) clear(gradient[i] + r * sizes[i], sizes[i]);
      }
      call(chunk, r, std::index_sequence_for<S...>{});
    }
  }

 private:
  VITRAIL_FUNCTION static void clear(T* to, std::size_t size) {
    for (std::size_t j = 0; j < size; ++j) to[j] = T(0);
  }
  template <std::size_t... I>
  VITRAIL_FUNCTION void call(std::size_t chunk, std::size_t r, std::index_sequence<I...>) const {
    this->op.backward(this->template input<I, S>(r)..., SampleSpan<Y, const T>(this->out + r * Y::size, Y::size),
                      SampleSpan<Y, const T>(out_gradient + r * Y::size, Y::size),
                      GradientSpan<S, T>(gradient[I] ? gradient[I] + r * S::size : partial[I] + chunk * S::size,
                                         S::size, wanted[I])...);
  }
};
// Adds the partial gradients of the chunks, in their order.
template <class T>
struct AddChunks {
  using value = T;
  static constexpr bool is_minor = true;
  const T* partial;
  T* to;
  std::size_t chunks, size;
  bool adds;
  template <class L, class J>
  VITRAIL_FUNCTION void at(J j) const {
    L sum = get<L>(partial, j);
    for (std::size_t c = 1; c < chunks; ++c) sum += get<L>(partial + c * size, j);
    put<L>(to, j, sum, adds);
  }
};

template <class Op>
constexpr const char* custom_name(const char* otherwise) {
  if constexpr (requires { Op::name; }) {
    return Op::name;
  } else {
    return otherwise;
  }
}
template <class Op, class T, class Y, class... S>
concept has_custom_forward = requires(const Op& op, SampleSpan<Y, T> y, SampleSpan<S, const T>... x) {
  op.forward(x..., y);
};
template <class Op, class T, class Y, class... S>
concept has_custom_backward = requires(const Op& op, SampleSpan<Y, const T> y, const SampleSpan<S, const T>&... x,
                                       const GradientSpan<S, T>&... dx) {
  op.backward(x..., y, y, dx...);
};

}  // namespace detail

// Y is the result's shape, S are the inputs'.
template <class Op, class Y, unsigned Batched, class... S>
struct CustomOp {
  using shape = Y;
  static constexpr const char* name = detail::custom_name<Op>("custom_op");
  static constexpr std::size_t inputs = sizeof...(S), sizes[inputs] = {S::size...};
  static constexpr bool is_batched(std::size_t i) { return (Batched >> i) & 1; }
  Op op;

  template <class P>
  static constexpr Facts facts(std::array<bool, inputs> tracked) {
    Facts f;
    f.flops = Y::size;
    if constexpr (requires { Op::template flops<S...>(); }) f.flops = Op::template flops<S...>();
    bool any = false;
    for (const bool one : tracked) any |= one;
    f.backward_flops = any ? 2 * f.flops : 0;
    f.saves = ((1u << inputs) - 1) | output_bit;
    if constexpr (requires { Op::saves; }) f.saves = Op::saves;
    for (std::size_t i = 0; i < inputs && any; ++i) {
      if (!tracked[i] || !is_batched(i)) f.backward_work.fixed += max_row_chunks * sizes[i];
    }
    return f;
  }
  template <class P>
  void forward(const Arguments<P, inputs>& a) const {
    using T = typename P::value;
    detail::CustomForward<Op, T, Y, Batched, S...> program{op, {}, a.out};
    std::copy_n(a.in, inputs, program.in);
    a.backend->rows(a.count, Y::size, program);
  }
  template <class P>
  requires detail::has_custom_backward<Op, typename P::value, Y, S...>
  void backward(const Arguments<P, inputs>& a) const {
    using T = typename P::value;
    detail::CustomBackward<Op, T, Y, Batched, S...> program{{op, {}, a.out}, a.out_gradient, {}, {}, {}, {},
                                                            a.count,         a.count};
    std::copy_n(a.in, inputs, program.in);
    T* work = a.work.fixed;
    for (std::size_t i = 0; i < inputs; ++i) {
      program.wanted[i] = a.gradient[i].wanted();
      program.writes[i] = !a.gradient[i].adds();
      if (program.wanted[i] && is_batched(i)) {
        program.gradient[i] = a.gradient[i].at;
        continue;
      }
      // As many as the samples allow, not as there are threads: the bits must not depend on these.
      program.chunks = std::min(a.count, max_row_chunks);
      program.partial[i] = work;
      work += max_row_chunks * sizes[i];
    }
    a.backend->rows(program.chunks, Y::size * ((a.count + program.chunks - 1) / program.chunks), program);
    for (std::size_t i = 0; i < inputs; ++i) {
      if (!program.wanted[i] || is_batched(i)) continue;
      a.backend->elementwise(sizes[i], detail::AddChunks<T>{program.partial[i], a.gradient[i].at, program.chunks,
                                                            sizes[i], a.gradient[i].adds()});
    }
  }
};

template <class Op, class... Shapes>
struct error_custom_op_has_no_result_shape_for_inputs_of_these_shapes;
template <class Op, class Result, class... Shapes>
struct error_custom_op_forward_cannot_be_called_with_its_inputs_and_result;
template <class Op>
struct error_custom_op_is_not_trivially_copyable;

namespace detail {
template <class Op, class... V>
constexpr auto run_custom_op(const Op& op, const V&... v) {
  if constexpr (!requires { typename Op::template shape<typename V::shape...>; }) {
    return refuse<error_custom_op_has_no_result_shape_for_inputs_of_these_shapes<Op, typename V::shape...>>(v...);
  } else {
    using Y = typename Op::template shape<typename V::shape...>;
    constexpr bool batched[] = {!is_one_for_all<V>()...};
    constexpr unsigned mask = [&] {
      unsigned m = 0;
      for (std::size_t i = 0; i < sizeof...(V); ++i) m |= unsigned(batched[i]) << i;
      return m;
    }();
    if constexpr (!has_custom_forward<Op, float, Y, typename V::shape...> &&
                  !has_custom_forward<Op, double, Y, typename V::shape...>) {
      return refuse<error_custom_op_forward_cannot_be_called_with_its_inputs_and_result<Op, Y, typename V::shape...>>(
          v...);
    } else if constexpr (!std::is_trivially_copyable_v<Op>) {
      return refuse<error_custom_op_is_not_trivially_copyable<Op>>(v...);
    } else {
      return apply(CustomOp<Op, Y, mask, typename V::shape...>{op}, v...);
    }
  }
}
}  // namespace detail

// vt::custom_op(RmsNorm{1e-6}, x, weight): inputs are Vars, expressions and parameters; what is one for the whole batch
// (a parameter, an unbatched Var) is the same span for every sample, and its gradient is the sum over the batch.
// forward and backward run on several samples at once, so they must not throw, nor write to anything but their result.
template <class Op, class... X>
constexpr auto custom_op(const Op& op, X&&... x) {
  return detail::run_custom_op(op, evaluate(static_cast<X&&>(x))...);
}

}  // namespace vitrail::inline VITRAIL_TU
