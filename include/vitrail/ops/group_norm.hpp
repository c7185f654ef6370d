// group_norm.hpp - (x - mean) / sqrt(variance + eps) * weight + bias, with the statistics of each sample's groups of
// channels. torch.nn.functional.group_norm.
#pragma once

#include <array>
#include <cstddef>

#include "batch_norm2d.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// A program row is one group of one sample: `own` channels, whose positions follow each other.
template <class T>
struct GroupNormForward {
  using value = T;
  std::size_t groups, own, positions;
  const T *x, *weight, *bias;
  T *y, *statistics;  // mean and 1 / deviation of each row, if somebody asks
  T eps;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t width = own * positions;
    const T* in = x + r * width;
    const T mean = row.sum(width, [&](auto j) VITRAIL_LAMBDA { return get<L>(in, j); }) / static_cast<T>(width);
    const L centre = L(mean);
    const T squares = row.sum(width, [&](auto j) VITRAIL_LAMBDA {
      const L d = get<L>(in, j) - centre;
      return d * d;
    });
    const T inverse = T(1) / vitrail::sqrt(squares / static_cast<T>(width) + eps);
    for (std::size_t k = 0; k < own; ++k) {
      const std::size_t c = r % groups * own + k, at = r * width + k * positions;
      const L factor = L(inverse * weight[c]), shift = L(bias[c]);
      row.each(positions,
               [&](auto j) VITRAIL_LAMBDA { put<L>(y + at, j, (get<L>(x + at, j) - centre) * factor + shift); });
    }
    if (statistics) {
      statistics[2 * r] = mean;
      statistics[2 * r + 1] = inverse;
    }
  }
};
// dx = inverse (g - mean(g) - h mean(g h)) with h = (x - mean) inverse, g = dy weight, the means over the group.
template <class T>
struct GroupNormBackward {
  using value = T;
  std::size_t groups, own, positions;
  const T *x, *weight, *dy, *statistics;
  T* dx;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const L centre = L(statistics[2 * r]), inverse = L(statistics[2 * r + 1]);
    T sum = 0, product = 0;
    for (std::size_t k = 0; k < own; ++k) {
      const T *up = dy + (r * own + k) * positions, *in = x + (r * own + k) * positions,
              w = weight[r % groups * own + k];
      sum += w * row.sum(positions, [&](auto j) VITRAIL_LAMBDA { return get<L>(up, j); });
      product += w * row.sum(positions, [&](auto j) VITRAIL_LAMBDA {
        return get<L>(up, j) * ((get<L>(in, j) - centre) * inverse);
      });
    }
    const T n = static_cast<T>(own * positions);
    const L all = L(sum / n), along = L(product / n);
    for (std::size_t k = 0; k < own; ++k) {
      const std::size_t at = (r * own + k) * positions;
      const L w = L(weight[r % groups * own + k]);
      row.each(positions, [&](auto j) VITRAIL_LAMBDA {
        const L h = (get<L>(x + at, j) - centre) * inverse;
        put<L>(dx + at, j, inverse * (get<L>(dy + at, j) * w - all - h * along), adds);
      });
    }
  }
};
// The gradients of weight and bias; a program row is one channel, over all samples in their order.
template <class T>
struct GroupNormSums {
  using value = T;
  std::size_t count, groups, own, positions;
  const T *x, *dy, *statistics;
  T *dw, *db;  // null: not wanted
  bool add_w, add_b;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t c) const {
    using L = typename R::lane;
    T sum = 0, product = 0;
    for (std::size_t s = 0; s < count; ++s) {
      const std::size_t at = (s * groups * own + c) * positions, r = s * groups + c / own;
      const L centre = L(statistics[2 * r]), inverse = L(statistics[2 * r + 1]);
      sum += row.sum(positions, [&](auto j) VITRAIL_LAMBDA { return get<L>(dy + at, j); });
      product += row.sum(positions, [&](auto j) VITRAIL_LAMBDA {
        return get<L>(dy + at, j) * ((get<L>(x + at, j) - centre) * inverse);
      });
    }
    row.once([&]() VITRAIL_LAMBDA {
      if (dw) dw[c] = add_w ? dw[c] + product : product;
      if (db) db[c] = add_b ? db[c] + sum : sum;
    });
  }
};

}  // namespace detail

// Inputs: x [C, H, W], weight [C], bias [C].
template <class S, std::size_t Groups>
struct GroupNormOp {
  using shape = S;
  static constexpr const char* name = "group_norm";
  static constexpr std::size_t own = S::dims[0] / Groups, positions = S::dims[1] * S::dims[2];
  double eps;

  template <class P>
  static constexpr Facts facts(std::array<bool, 3> tracked) {
    const bool any = tracked[0] || tracked[1] || tracked[2];
    Facts f;
    f.flops = 8 * S::size;
    f.backward_flops = any ? 10 * S::size : 0;
    f.saves = 1u | (tracked[0] ? 2u : 0u);
    f.in_place = 1;
    f.recompute_cost = S::size * elementwise_cost;
    f.state.per_sample = any ? 2 * Groups : 0;
    return f;
  }
  template <class P>
  void forward(const Arguments<P, 3>& a) const {
    using T = typename P::value;
    a.backend->rows(a.count * Groups, own * positions,
                    detail::GroupNormForward<T>{Groups, own, positions, a.in[0], a.in[1], a.in[2], a.out,
                                                a.state.per_sample, static_cast<T>(eps)});
  }
  template <class P>
  void backward(const Arguments<P, 3>& a) const {
    using T = typename P::value;
    const auto to = [&](std::size_t i) { return a.gradient[i].wanted() ? a.gradient[i].at : nullptr; };
    if (to(0)) {
      a.backend->rows(a.count * Groups, own * positions,
                      detail::GroupNormBackward<T>{Groups, own, positions, a.in[0], a.in[1], a.out_gradient,
                                                   a.state.per_sample, to(0), a.gradient[0].adds()});
    }
    if (to(1) || to(2)) {
      a.backend->rows(
          S::dims[0], a.count * positions,
          detail::GroupNormSums<T>{a.count, Groups, own, positions, a.in[0], a.out_gradient, a.state.per_sample, to(1),
                                   to(2), a.gradient[1].adds(), a.gradient[2].adds()});
    }
  }
};

template <std::size_t Rank>
struct error_group_norm_input_is_not_of_rank_3;
template <std::size_t Groups, std::size_t Channels>
struct error_group_norm_channels_are_not_divisible_by_the_groups;
template <std::size_t Given, std::size_t Expected>
struct error_group_norm_parameters_have_another_size_than_the_channels;
template <std::size_t Size>
struct error_group_norm_parameters_are_not_one_for_the_whole_batch;

namespace detail {
template <std::size_t Groups, class X, class W, class B>
constexpr auto group_norm(const X& x, const W& weight, const B& bias, double eps) {
  using S = typename X::shape;
  if constexpr (S::rank != 3) {
    return refuse<error_group_norm_input_is_not_of_rank_3<S::rank>>(x, weight, bias);
  } else if constexpr (Groups == 0 || S::dims[0] % (Groups ? Groups : 1) != 0) {
    return refuse<error_group_norm_channels_are_not_divisible_by_the_groups<Groups, S::dims[0]>>(x, weight, bias);
  } else if constexpr (first_other_size<S::dims[0], W, B>() != S::dims[0]) {
    constexpr std::size_t given = first_other_size<S::dims[0], W, B>();
    return refuse<error_group_norm_parameters_have_another_size_than_the_channels<given, S::dims[0]>>(x, weight, bias);
  } else if constexpr (!is_one_for_all<W>() || !is_one_for_all<B>()) {
    return refuse<error_group_norm_parameters_are_not_one_for_the_whole_batch<S::dims[0]>>(x, weight, bias);
  } else {
    return apply(GroupNormOp<S, Groups>{eps}, x, weight, bias);
  }
}
}  // namespace detail

// x [C, H, W] -> [C, H, W]; weight and bias [C]; C / Groups neighbouring channels share their statistics:
// vt::group_norm<8>(x, weight, bias).
template <std::size_t Groups, class X, class W, class B>
constexpr auto group_norm(X&& x, W&& weight, B&& bias, double eps = 1e-5) {
  return detail::group_norm<Groups>(evaluate(static_cast<X&&>(x)), evaluate(static_cast<W&&>(weight)),
                                    evaluate(static_cast<B&&>(bias)), eps);
}

}  // namespace vitrail::inline VITRAIL_TU
