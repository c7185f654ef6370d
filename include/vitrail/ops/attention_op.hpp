// attention_op.hpp - the operation behind every attention: over whole sequences or in windows, of fused or separate
// queries, keys and values, with a bias of the scores, causal or not.
#pragma once

#include <array>
#include <cstddef>

#include "../autodiff/driver.hpp"
#include "attention_composed.hpp"
#include "attention_map.hpp"

namespace vitrail::inline VITRAIL_TU {

// The shape of an attention, as constants: where q, k and v are among the inputs and in them.
struct AttentionLayout {
  struct Matrix {
    std::size_t input = 0, first = 0;  // number of the input, and its element with which the matrix begins
    std::size_t row = 0, head = 0;     // elements from a token, and from a head, to the next
    std::size_t sample = 0;            // elements of the input
  };
  std::size_t heads = 1, queries = 1, keys = 1, channels = 1;  // tokens of one window; channels of one head
  Matrix q, k, v;
  std::size_t bias = 0;  // the number of its input; 0: none
  bool causal = false;
  Windows windows = {};
  std::size_t extra = 0;  // the last keys, of an input of their own: the same for all windows
  Matrix extra_k = {}, extra_v = {};

  // Queries of the first tokens of a fused qkv alone.
  constexpr bool some_queries() const { return q.input == k.input && queries + extra < keys; }
  constexpr std::size_t groups() const { return windows.count(); }
  constexpr std::size_t scores() const { return groups() * heads * queries * keys; }
};

// Output [tokens, heads * channels]. A bias, one for the whole batch, is [heads, queries, keys].
template <AttentionLayout A, std::size_t Inputs>
struct AttentionOp {
  static constexpr std::size_t tokens = A.groups() * A.queries, C = A.heads * A.channels;
  using shape = Shape<tokens, C>;
  static constexpr const char* name = A.windows ? "window_attention" : "attention";
  double scale = 1, masked = -std::numeric_limits<double>::infinity();

  template <class P>
  static constexpr bool fused = detail::FusedAttention<typename P::backend, typename P::value> &&
                                (A.extra == 0 || detail::fused_takes_extra_keys<typename P::backend>());

  template <class P>
  static constexpr Facts facts(std::array<bool, Inputs> tracked) {
    using T = typename P::value;
    Facts f;
    bool any = false;
    for (const bool t : tracked) any = any || t;
    f.flops = 4 * A.scores() * A.channels;
    f.is_product = true;
    f.backward_flops = any ? 10 * A.scores() * A.channels : 0;
    f.saves = ((1u << Inputs) - 1) | output_bit;
    f.state.per_sample = any ? A.groups() * A.heads * A.queries : 0;  // the log-sum-exp
    const bool biased = A.bias && tracked[A.bias];
    const auto work = detail::AttentionWork::of(sizes<T>());
    if (biased && fused<P>) {
      f.backward_work.fixed = detail::bias_workspace<typename P::backend>(A.heads, A.queries, A.keys);
    }
    if (!fused<P>) {
      f.backward_work.fixed = biased ? work.bias : 0;
      f.forward_work = {work.forward(), work.masks};
      f.backward_work.fixed += any ? work.masks : 0;
      f.backward_work.per_sample = any ? work.backward() : 0;
    }
    if (A.extra && tracked[A.extra_k.input]) f.backward_work.per_sample += extra_gradients;
    return f;
  }
  // What is no kernel of its own, but composed, computes with values.
  template <class P, unsigned Stored>
  requires(Stored == 0 || fused<P>) void forward(const Arguments<P, Inputs, Stored>& a) const {
    const auto arguments = attention(a);
    if constexpr (fused<P>) {
      a.backend->attention_forward(arguments);
    } else {
      detail::ComposedAttention(*a.backend, arguments, a.work.per_sample, a.work.fixed).forward();
    }
  }
  template <class P, unsigned Stored>
  requires(Stored == 0 || fused<P>) void backward(const Arguments<P, Inputs, Stored>& a) const {
    using T = typename P::value;
    using X = stored_input<0, decltype(a)>;
    zero_shared(a);
    if constexpr (A.some_queries()) {  // the other tokens' queries are not asked
      const auto& g0 = a.gradient[A.q.input];
      if (g0.wanted() && !g0.adds()) {
        a.backend->rows(a.count * A.keys, C,
                        detail::ZeroOtherColumns<X>{A.q.row, C, A.q.row - C, gradient_at<A.q.input>(a)});
      }
    }
    kernels::AttentionGradient<T, X> g;
    g.forward = attention(a);
    g.out_gradient = {a.out_gradient, out_row, out_head, out_sample};
    g.q = gradient_of<A.q.input>(a, A.q, g.add_q);
    g.k = gradient_of<A.k.input>(a, A.k, g.add_k);
    g.v = gradient_of<A.v.input>(a, A.v, g.add_v);
    T* fixed = a.work.fixed;
    if constexpr (A.bias > 0) {
      if (a.gradient[A.bias].wanted()) {
        g.bias = gradient_at<A.bias>(a), g.add_bias = a.gradient[A.bias].adds(), g.bias_work = fixed;
        fixed += detail::AttentionWork::of(g.forward).bias;
      }
    }
    T* work = a.work.per_sample;
    if constexpr (A.extra > 0) {
      if (a.gradient[A.extra_k.input].wanted()) {
        g.extra_k = {work, 2 * out_row, out_head, 2 * A.extra * out_row};
        g.extra_v = {work + C, 2 * out_row, out_head, 2 * A.extra * out_row};
        work += a.count * extra_gradients;
      }
    }
    if (!g.q.data && !g.k.data && !g.v.data && !g.bias && !g.extra_k.data) return;
    if constexpr (fused<P>) {
      a.backend->attention_backward(g);
    } else {
      detail::ComposedAttention(*a.backend, g.forward, work, fixed).backward(g);
    }
    if constexpr (A.extra > 0) {
      if (g.extra_k.data) {
        const auto& to = a.gradient[A.extra_k.input];
        const std::size_t samples = A.extra_k.sample ? a.count : 1, groups = g.forward.groups() / samples;
        const bool adds = to.adds() || to.at == a.gradient[A.k.input].at;  // one value as both inputs
        a.backend->rows(samples * A.extra, groups * 2 * C,
                        detail::SumExtraRows<T>{A.extra, C, groups, g.extra_k.data, to.at, adds});
      }
    }
  }

  // Queries and keys as they stand in the sample, also those of windows.
  static constexpr std::array<std::size_t, 3> map_shape{A.heads, tokens, A.windows ? tokens + A.extra : A.keys};
  template <class P>
  void attention_map(const Arguments<P, Inputs>& a, std::size_t sample, typename P::value* to) const {
    detail::attention_map(attention(a), sample, to);
  }

 private:
  // Strides of the output. Members, since nvcc calls locals of this kind unused.
  static constexpr std::ptrdiff_t out_row = C, out_head = A.channels, out_sample = shape::size;
  static constexpr std::size_t extra_gradients = A.groups() * A.extra * 2 * C;  // of a sample

  template <class T, class X = T>
  static constexpr kernels::Attention<T, X> sizes() {
    kernels::Attention<T, X> s;
    s.heads = A.heads, s.queries = A.queries, s.keys = A.keys, s.channels = A.channels;
    s.causal = A.causal, s.windows = A.windows, s.extra = A.extra;
    return s;
  }
  template <class T, class Data>
  static kernels::Heads<T> heads_of(const AttentionLayout::Matrix& m, Data* data) {
    const auto signed_of = [](std::size_t n) { return static_cast<std::ptrdiff_t>(n); };
    return {data + m.first, signed_of(m.row), signed_of(m.head), signed_of(m.sample)};
  }
  template <class P, unsigned Stored>
  auto attention(const Arguments<P, Inputs, Stored>& a) const {
    using T = typename P::value;
    using X = stored_input<0, decltype(a)>;
    auto arguments = sizes<T, X>();
    arguments.batch = a.count;
    arguments.q = heads_of<const X>(A.q, input_at<A.q.input>(a));
    arguments.k = heads_of<const X>(A.k, input_at<A.k.input>(a));
    arguments.v = heads_of<const X>(A.v, input_at<A.v.input>(a));
    arguments.out = {a.out, out_row, out_head, out_sample};
    if constexpr (A.bias > 0) arguments.bias = input_at<A.bias>(a);
    if constexpr (A.extra > 0) {
      arguments.extra_k = heads_of<const X>(A.extra_k, input_at<A.extra_k.input>(a));
      arguments.extra_v = heads_of<const X>(A.extra_v, input_at<A.extra_v.input>(a));
    }
    arguments.log_sum_exp = a.state.per_sample;
    arguments.scale = static_cast<T>(scale);
    arguments.masked = static_cast<T>(masked);
    return arguments;
  }
  template <std::size_t I, class Given>
  static kernels::Heads<stored_input<I, Given>> gradient_of(const Given& a, const AttentionLayout::Matrix& m,
                                                            bool& add) {
    const auto& g = a.gradient[I];
    if (!g.wanted()) return {};
    add = g.adds() || shared(a, I);
    return heads_of<stored_input<I, Given>>(m, gradient_at<I>(a));
  }
  // One value as several inputs has one gradient, to which the kernel must add in any order: zero first.
  template <class Given>
  static bool shared(const Given& a, std::size_t input) {
    if constexpr (A.q.input != A.v.input) {
      for (const std::size_t i : {A.q.input, A.k.input, A.v.input}) {
        if (i != input && a.gradient[i].wanted() && a.gradient[i].at == a.gradient[input].at) return true;
      }
    }
    return false;
  }
  template <class Given>
  static void zero_shared(const Given& a) {
    zero_if_shared<A.q.input>(a, A.q.sample);
    zero_if_shared<A.k.input>(a, A.k.sample);
    zero_if_shared<A.v.input>(a, A.v.sample);
  }
  template <std::size_t I, class Given>
  static void zero_if_shared(const Given& a, std::size_t sample) {
    const auto& g = a.gradient[I];
    if (!g.wanted() || g.adds() || !shared(a, I)) return;
    a.backend->rows(a.count, sample,
                    detail::CopyRows<stored_input<I, Given>>{nullptr, gradient_at<I>(a), sample, 1, 1, 0, 1, 0});
  }
};

}  // namespace vitrail::inline VITRAIL_TU
