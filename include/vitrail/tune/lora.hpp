// lora.hpp - low-rank adaptation: a frozen weight W and, beside it, s B A of a small rank that trains (Hu et al. 2021,
// "LoRA: Low-Rank Adaptation of Large Language Models"). B starts at zero: the tuned model starts as its base.
#pragma once

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../nn/linear.hpp"
#include "../ops/concat.hpp"
#include "../ops/dropout.hpp"
#include "../ops/low_rank_norm.hpp"
#include "../ops/slice.hpp"
#include "lora_options.hpp"

namespace vitrail::inline VITRAIL_TU {

template <std::size_t In, std::size_t Out>
struct error_lora_rank_is_zero;
template <class Layer>
struct error_lora_wraps_something_else_than_a_linear_layer;

namespace detail {

// A linear layer taken apart, and put together again with another policy.
template <class L>
struct LinearLayer;
template <std::size_t In, std::size_t Out, class P, class Site>
struct LinearLayer<PlainLinear<In, Out, P, Site>> {
  static constexpr std::size_t in = In, out = Out;
  static constexpr bool has_bias = true;
  using policy = P;
  using place = Site;
  template <class Q>
  using with = PlainLinear<In, Out, Q, Site>;
};
template <std::size_t In, std::size_t Out, class P, class Site>
struct LinearLayer<PlainUnbiased<In, Out, P, Site>> {
  static constexpr std::size_t in = In, out = Out;
  static constexpr bool has_bias = false;
  using policy = P;
  using place = Site;
  template <class Q>
  using with = PlainUnbiased<In, Out, Q, Site>;
};
template <class L>
struct LinearLayer : LinearLayer<PlainLinear<1, 1, cpu, site::none>> {  // so that there is one error only
  static_assert(sizeof(error_lora_wraps_something_else_than_a_linear_layer<L>) > 0);
};
template <class Site>
struct FreezeWeightAt {
  template <class Tune>
  struct tuning : Tune {
    template <class At>
    static constexpr bool trains = !std::is_same_v<At, Site> && Tune::template trains<At>;
  };
};
// The layer with its weight frozen; its bias trains if the tuning says so.
template <class L>
struct WithFrozenWeight {
  using Layer = LinearLayer<L>;
  using P = typename Layer::policy;
  using Site = typename Layer::place;
  using Frozen = with_tuning<P, typename FreezeWeightAt<Site>::template tuning<typename P::tune>>;
  using type = typename Layer::template with<std::conditional_t<P::tune::template trains<Site>, Frozen, P>>;
};

// Of the factors of the parts, one below the other, those of part I; ones where there are none.
template <parts Parts, std::size_t I, class V>
constexpr auto factors_of_part(const V& factors) {
  constexpr std::size_t width = V::shape::size / Parts.selected();
  constexpr std::size_t before = parts{I, Parts.mask}.selected();
  if constexpr (Parts.has(I)) {
    return slice<0, before * width, (before + 1) * width>(factors);
  } else {
    return evaluate(slice<0, 0, width>(detach(factors)) * 0.0 + 1.0);
  }
}
template <parts Parts, class V>
constexpr auto factors_of_columns(const V& factors) {
  if constexpr (Parts.selected() == Parts.count) {
    return factors;
  } else {
    return [&]<std::size_t... I>(std::index_sequence<I...>) { return concat<0>(factors_of_part<Parts, I>(factors)...); }
    (std::make_index_sequence<Parts.count>{});
  }
}

}  // namespace detail

// Layer, a linear layer whose weight is frozen here, with a low-rank term: y = W x + b + s B A x, s = alpha / rank. It
// keeps the names of what it wraps, so that it binds to a base; it may stand in any struct. Of a fused layer of which
// Options.on names parts, each has matrices of its own, one below the other: A [parts * rank, In], B [parts * Out /
// count, rank]. With `magnitude` the rows of W + s B A are made unit vectors, times magnitudes that start as the
// lengths of W's rows; the lengths they are divided by count as constants.
template <class Layer, auto Options>
struct Lora : Module<Lora<Layer, Options>> {
  using Linear = detail::LinearLayer<Layer>;
  using P = typename Linear::policy;
  using T = typename P::value;
  static constexpr std::size_t In = Linear::in, Out = Linear::out, rank = Options.rank;
  static constexpr parts meant = detail::parts_meant(Options.on, static_cast<typename Linear::place*>(nullptr));
  static constexpr parts where = meant.count ? meant : parts{};
  static constexpr std::size_t selected = where.selected(), columns = Out / where.count * selected;
  static_assert(sizeof(std::conditional_t<rank == 0, error_lora_rank_is_zero<In, Out>, P>) > 0);
  static constexpr std::size_t absent_members = Options.magnitude ? 0 : 1;
  using Magnitude = std::conditional_t<Options.magnitude, Param<Shape<columns>, P, site::lora, initial::ones>, Absent>;

  typename detail::WithFrozenWeight<Layer>::type base;
  Param<Shape<selected * rank, In>, P, site::lora, initial::uniform_fan_in<In>> lora_A;
  Param<Shape<columns, rank>, P, site::lora> lora_B;
  Magnitude lora_magnitude_vector;

  static constexpr void visit(auto& self, auto&& f) {
    f("", self.base);
    f("lora_A.weight", self.lora_A);
    f("lora_B.weight", self.lora_B);
    if constexpr (Options.magnitude) f("lora_magnitude_vector", self.lora_magnitude_vector);
  }
  // Whatever the layer takes beside x: a residual, or the bias of one without its own.
  constexpr auto forward(const auto& x, const auto&... more) const {
    if constexpr (!Options.magnitude) {
      return add_to(base(x, more...), x);
    } else {
      Var direction = add_to(evaluate(linear(x, base.weight)), x);
      return scaled(direction, more...);
    }
  }

  static LoraLayer layer(const std::string& path) {
    return {path, In, Out, rank, where, Options.alpha, Options.dropout, Options.rank_stabilised, Options.magnitude};
  }
  // For Model: magnitudes start as the lengths of the weight's rows, and B may learn at a rate of its own.
  static constexpr bool derives = decltype(lora_B)::trainable && (Options.magnitude || Options.b_rate != 1);
  template <class Backend, class Store>
  static void derive(Lora& self, const Backend& backend, Store& own) {
    own.table[static_cast<std::size_t>(self.lora_B.slot)].rate = Options.b_rate;
    if constexpr (Options.magnitude) {
      const auto slot = static_cast<std::size_t>(self.lora_magnitude_vector.slot);
      lengths().run(backend, self.base.weight.data, self.lora_A.data, self.lora_B.data,
                    own.values.data() + own.offsets[slot]);
    }
  }
  // Writes the weight [Out, In] of the plain layer that computes the same.
  template <class Backend>
  void merge(const Backend& backend, T* to) const {
    Backend::memory::copy(to, base.weight.data, Out * In * sizeof(T));
    std::size_t q = 0;
    for (std::size_t part = 0; part < where.count; ++part) {
      if (!where.has(part)) continue;
      constexpr std::size_t width = Out / where.count;
      Product<T> p;
      p.m = width, p.n = In, p.k = rank;
      p.a = lora_B.data + q * width * rank, p.a_row = static_cast<std::ptrdiff_t>(rank);
      p.b = lora_A.data + q * rank * In, p.b_row = static_cast<std::ptrdiff_t>(In);
      p.c = to + part * width * In, p.c_row = static_cast<std::ptrdiff_t>(In);
      p.residual = p.c, p.residual_row = p.c_row;
      p.scale = static_cast<T>(Options.scale());
      backend.product(p);
      ++q;
    }
    if constexpr (Options.magnitude) {
      Buffer<T, typename Backend::memory> length(columns);
      lengths().run(backend, base.weight.data, lora_A.data, lora_B.data, length.data());
      q = 0;
      for (std::size_t part = 0; part < where.count; ++part) {
        if (!where.has(part)) continue;
        constexpr std::size_t width = Out / where.count;
        backend.rows(width, In,
                     detail::ScaleRows<T>{In, lora_magnitude_vector.data + q * width, length.data() + q * width,
                                          to + part * width * In});
        ++q;
      }
    }
  }

 private:
  using Lengths = LowRankNormOp<Out, In, rank, where.count, where.mask>;
  static constexpr Lengths lengths() { return Lengths{Options.scale()}; }

  constexpr auto add_to(const auto& y, const auto& x) const {
    if constexpr (Options.dropout > 0) {
      return low_rank<where>(y, dropout(x, Options.dropout), lora_A, lora_B, Options.scale());
    } else {
      return low_rank<where>(y, x, lora_A, lora_B, Options.scale());
    }
  }
  constexpr auto scaled(const auto& direction, const auto&... more) const {
    auto* step = detail::context_of(direction);
    Var length =
        apply(lengths(), detach(as_var(step, base.weight)), detach(as_var(step, lora_A)), detach(as_var(step, lora_B)));
    Var factor = lora_magnitude_vector / length;
    const auto factors = detail::factors_of_columns<where>(factor);
    if constexpr (Linear::has_bias) {
      return ((direction * factors + base.bias) + ... + more);
    } else {
      return ((direction * factors) + ... + more);
    }
  }
};

namespace detail {
template <auto Options>
struct LoraTuning : freeze_all {
  template <class Site>
  static constexpr bool trains = std::is_same_v<Site, site::lora>;
  template <class Plain, class Site>
  using wrapped =
      std::conditional_t<(parts_meant(Options.on, static_cast<Site*>(nullptr)).count > 0), Lora<Plain, Options>, Plain>;
  template <std::size_t In, std::size_t Out, class P, class Site>
  using linear = wrapped<PlainLinear<In, Out, P, Site>, Site>;
  template <std::size_t In, std::size_t Out, class P, class Site>
  using unbiased = wrapped<PlainUnbiased<In, Out, P, Site>, Site>;
};
}  // namespace detail

// The LoRAs of a module, in its order.
template <class M>
std::vector<LoraLayer> lora_layers(const M& net) {
  std::vector<LoraLayer> layers;
  each_named_member(net, "", [&](const std::string& path, const auto& member) {
    using Q = std::remove_cvref_t<decltype(member)>;
    if constexpr (requires { Q::layer(path); }) layers.push_back(Q::layer(path));
  });
  return layers;
}

}  // namespace vitrail::inline VITRAIL_TU
