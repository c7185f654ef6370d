// conv2d.hpp - two-dimensional convolution (cross-correlation, as everywhere) of each sample.
// torch.nn.functional.conv2d.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>

#include "../autodiff/driver.hpp"
#include "../backend/backend.hpp"
#include "../backend/convolution.hpp"
#include "../expr/evaluate.hpp"
#include "window_programs.hpp"

namespace vitrail::inline VITRAIL_TU {

// The same stride and padding with zeros for both axes. Groups: each sees its own channels only; as many groups as
// channels are a depthwise convolution.
struct Conv2dConfig {
  std::size_t stride = 1, padding = 0, groups = 1;
};

namespace detail {

template <class B, class T>
concept HasConvolution = requires(const B& backend, const Convolution<T>& g) {
  backend.convolution_forward(g);
};

// By one product per group, of all samples at once; `work` has windows [channels * taps, positions] for each.
template <class B, class T>
void convolution_forward(const B& backend, const Convolution<T>& g) {
  backend.rows(g.count * g.channels * g.taps(), g.positions(), GatherWindows<T>{g, g.work});
  backend.rows(g.count * g.out_channels, g.positions(), FillChannels<T>{g.out_channels, g.positions(), g.bias, g.y});
  for (std::size_t group = 0; group < g.groups; ++group) {
    Product<T> p;
    p.m = g.group_out(), p.n = g.positions(), p.k = g.depth(), p.count = g.count;
    p.a = g.weight + group * p.m * p.k, p.a_row = static_cast<std::ptrdiff_t>(p.k);
    p.b = g.work + group * p.k * p.n, p.b_row = static_cast<std::ptrdiff_t>(p.n);
    p.b_batch = static_cast<std::ptrdiff_t>(g.groups * p.k * p.n);
    p.c = g.y + group * p.m * p.n, p.c_row = static_cast<std::ptrdiff_t>(p.n);
    p.c_batch = static_cast<std::ptrdiff_t>(g.out_channels * p.n);
    p.accumulate = true;
    backend.product(p);
  }
}
template <class B, class T>
void convolution_input_gradient(const B& backend, const Convolution<T>& g) {
  for (std::size_t group = 0; group < g.groups; ++group) {
    Product<T> p;
    p.m = g.depth(), p.n = g.positions(), p.k = g.group_out(), p.count = g.count;
    p.a = g.weight + group * p.m * p.k, p.a_row = 1, p.a_column = static_cast<std::ptrdiff_t>(p.m);
    p.b = g.dy + group * p.k * p.n, p.b_row = static_cast<std::ptrdiff_t>(p.n);
    p.b_batch = static_cast<std::ptrdiff_t>(g.out_channels * p.n);
    p.c = g.work + group * p.m * p.n, p.c_row = static_cast<std::ptrdiff_t>(p.n);
    p.c_batch = static_cast<std::ptrdiff_t>(g.groups * p.m * p.n);
    backend.product(p);
  }
  backend.rows(g.count * g.channels, g.height * g.width * g.taps(), SumWindows<T>{g, g.work});
}
template <class B, class T>
void convolution_weight_gradient(const B& backend, const Convolution<T>& g) {
  backend.rows(g.count * g.channels * g.taps(), g.positions(), GatherWindows<T>{g, g.work});
  for (std::size_t i = 0; i < g.count * g.groups; ++i) {
    const std::size_t sample = i / g.groups, group = i % g.groups;
    Product<T> p;
    p.m = g.group_out(), p.n = g.depth(), p.k = g.positions();
    p.a = g.dy + (sample * g.out_channels + group * p.m) * p.k, p.a_row = static_cast<std::ptrdiff_t>(p.k);
    p.b = g.work + i * p.n * p.k, p.b_row = 1, p.b_column = static_cast<std::ptrdiff_t>(p.k);
    p.c = g.dw + group * p.m * p.n, p.c_row = static_cast<std::ptrdiff_t>(p.n);
    p.accumulate = g.add_w || sample > 0;
    backend.product(p);
  }
}

}  // namespace detail

// Inputs: x [C, H, W], weight [Out, C / Groups, Rows, Columns], then the bias [Out] if there.
template <class S, std::size_t Out, std::size_t Rows, std::size_t Columns, std::size_t Stride, std::size_t Padding,
          std::size_t Groups, bool Bias>
struct Conv2dOp {
  static constexpr std::size_t C = S::dims[0], H = S::dims[1], W = S::dims[2];
  static constexpr std::size_t down = (H + 2 * Padding - Rows) / Stride + 1;
  static constexpr std::size_t across = (W + 2 * Padding - Columns) / Stride + 1;
  static constexpr std::size_t depth = C / Groups * Rows * Columns, bias = 2, inputs = 2 + Bias;
  using shape = Shape<Out, down, across>;
  static constexpr const char* name = "conv2d";

  template <class P>
  static constexpr Facts facts(std::array<bool, inputs> tracked) {
    Facts f;
    f.flops = 2 * depth * shape::size;
    f.is_product = true;
    f.backward_flops = f.flops * (std::size_t(tracked[0]) + std::size_t(tracked[1]));
    f.saves = (tracked[1] ? 1u : 0u) | (tracked[0] ? 2u : 0u);
    using B = typename P::backend;
    if constexpr (detail::HasConvolution<B, typename P::value>) {
      const std::size_t weight = Out * depth, partial = tracked[1] ? B::convolution_workspace(Out, depth) : 0;
      f.backward_work.fixed = tracked[0] && weight > partial ? weight : partial;
    } else {
      f.forward_work.per_sample = Groups * depth * down * across;
      f.backward_work.per_sample = tracked[0] || tracked[1] ? f.forward_work.per_sample : 0;
    }
    return f;
  }
  template <class P>
  void forward(const Arguments<P, inputs>& a) const {
    using T = typename P::value;
    Convolution<T> g = extents(a);
    g.y = a.out;
    if constexpr (Bias) g.bias = a.in[bias];
    if constexpr (detail::HasConvolution<typename P::backend, T>) {
      a.backend->convolution_forward(g);
    } else {
      g.work = a.work.per_sample;
      detail::convolution_forward(*a.backend, g);
    }
  }
  template <class P>
  void backward(const Arguments<P, inputs>& a) const {
    using T = typename P::value;
    constexpr bool own = detail::HasConvolution<typename P::backend, T>;
    Convolution<T> g = extents(a);
    g.dy = a.out_gradient, g.work = own ? a.work.fixed : a.work.per_sample;
    g.dx = a.gradient[0].at, g.add_x = a.gradient[0].adds();
    g.dw = a.gradient[1].at, g.add_w = a.gradient[1].adds();
    if (a.gradient[0].wanted()) {
      if constexpr (own) {
        a.backend->convolution_input_gradient(g);
      } else {
        detail::convolution_input_gradient(*a.backend, g);
      }
    }
    if (a.gradient[1].wanted()) {
      if constexpr (own) {
        a.backend->convolution_weight_gradient(g);
      } else {
        detail::convolution_weight_gradient(*a.backend, g);
      }
    }
    if constexpr (Bias) {
      const auto& to = a.gradient[bias];
      if (to.wanted()) {
        a.backend->rows(Out, a.count * down * across,
                        detail::SumChannels<T>{a.count, Out, down * across, a.out_gradient, to.at, to.adds()});
      }
    }
  }

 private:
  template <class P>
  static Convolution<typename P::value> extents(const Arguments<P, inputs>& a) {
    Convolution<typename P::value> g;
    g.count = a.count, g.groups = Groups;
    g.channels = C, g.height = H, g.width = W;
    g.out_channels = Out, g.out_height = down, g.out_width = across;
    g.kernel_height = Rows, g.kernel_width = Columns, g.stride = Stride, g.padding = Padding;
    g.x = a.in[0], g.weight = a.in[1];
    return g;
  }
};

template <std::size_t Rank>
struct error_conv2d_input_is_not_of_rank_3;
template <std::size_t Rank>
struct error_conv2d_weight_is_not_of_rank_4;
template <std::size_t Groups, std::size_t Channels>
struct error_conv2d_channels_are_not_divisible_by_the_groups;
template <std::size_t Given, std::size_t Expected>
struct error_conv2d_input_has_another_number_of_channels;
template <std::size_t Stride, std::size_t Kernel>
struct error_conv2d_stride_or_kernel_is_zero;
template <std::size_t Kernel, std::size_t Extent>
struct error_conv2d_kernel_is_larger_than_the_padded_input;
template <std::size_t Given, std::size_t Expected>
struct error_conv2d_bias_has_another_size_than_the_output_channels;
template <std::size_t Size>
struct error_conv2d_weight_is_not_one_for_the_whole_batch;
template <std::size_t Size>
struct error_conv2d_bias_is_not_one_for_the_whole_batch;

namespace detail {

template <std::size_t Stride, std::size_t Padding, std::size_t Groups, class X, class V, class... B>
constexpr auto conv2d(const X& x, const V& weight, const B&... bias) {
  using S = typename X::shape;
  using K = typename V::shape;
  if constexpr (S::rank != 3) {
    return refuse<error_conv2d_input_is_not_of_rank_3<S::rank>>(x, weight, bias...);
  } else if constexpr (K::rank != 4) {
    return refuse<error_conv2d_weight_is_not_of_rank_4<K::rank>>(x, weight, bias...);
  } else if constexpr (Groups == 0 || S::dims[0] % (Groups ? Groups : 1) || K::dims[0] % (Groups ? Groups : 1)) {
    constexpr std::size_t channels = Groups && S::dims[0] % (Groups ? Groups : 1) == 0 ? K::dims[0] : S::dims[0];
    return refuse<error_conv2d_channels_are_not_divisible_by_the_groups<Groups, channels>>(x, weight, bias...);
  } else if constexpr (S::dims[0] != K::dims[1] * Groups) {
    return refuse<error_conv2d_input_has_another_number_of_channels<S::dims[0], K::dims[1] * Groups>>(x, weight,
                                                                                                      bias...);
  } else if constexpr (Stride == 0 || K::size == 0) {
    return refuse<error_conv2d_stride_or_kernel_is_zero<Stride, K::size>>(x, weight, bias...);
  } else if constexpr (S::dims[1] + 2 * Padding < K::dims[2] || S::dims[2] + 2 * Padding < K::dims[3]) {
    constexpr std::size_t axis = S::dims[1] + 2 * Padding < K::dims[2] ? 1 : 2;
    return refuse<error_conv2d_kernel_is_larger_than_the_padded_input<K::dims[axis + 1], S::dims[axis] + 2 * Padding>>(
        x, weight, bias...);
  } else if constexpr (((B::shape::size != K::dims[0]) || ...)) {
    return refuse<error_conv2d_bias_has_another_size_than_the_output_channels<B::shape::size..., K::dims[0]>>(x, weight,
                                                                                                              bias...);
  } else if constexpr (!is_one_for_all<V>()) {
    return refuse<error_conv2d_weight_is_not_one_for_the_whole_batch<K::size>>(x, weight, bias...);
  } else if constexpr (!(is_one_for_all<B>() && ...)) {
    return refuse<error_conv2d_bias_is_not_one_for_the_whole_batch<B::shape::size...>>(x, weight, bias...);
  } else {
    return apply(Conv2dOp<S, K::dims[0], K::dims[2], K::dims[3], Stride, Padding, Groups, sizeof...(B) == 1>{}, x,
                 weight, bias...);
  }
}

}  // namespace detail

// x [C, H, W], weight [O, C / groups, h, w], bias [O] -> [O, (H + 2 padding - h) / stride + 1, (W + 2 padding - w) /
// stride + 1], divisions rounded down: vt::conv2d<vt::Conv2dConfig{.stride = 2, .padding = 1}>(x, weight, bias).
template <Conv2dConfig Config = Conv2dConfig{}, class X, class V, class B>
constexpr auto conv2d(X&& x, V&& weight, B&& bias) {
  return detail::conv2d<Config.stride, Config.padding, Config.groups>(
      evaluate(static_cast<X&&>(x)), evaluate(static_cast<V&&>(weight)), evaluate(static_cast<B&&>(bias)));
}
template <Conv2dConfig Config = Conv2dConfig{}, class X, class V>
constexpr auto conv2d(X&& x, V&& weight) {
  return detail::conv2d<Config.stride, Config.padding, Config.groups>(evaluate(static_cast<X&&>(x)),
                                                                      evaluate(static_cast<V&&>(weight)));
}

}  // namespace vitrail::inline VITRAIL_TU
