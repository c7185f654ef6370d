// lora.hpp - low-rank adaptation: a frozen weight W and, beside it, s B A of a small rank that trains (Hu et al. 2021,
// "LoRA: Low-Rank Adaptation of Large Language Models"). B starts at zero: the tuned model starts as its base.
#pragma once

#include <algorithm>
#include <cmath>
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
#include "principal.hpp"

namespace vitrail::inline VITRAIL_TU {

template <std::size_t In, std::size_t Out>
struct error_lora_rank_is_zero;
template <std::size_t Rank, std::size_t Most>
struct error_lora_pissa_rank_is_more_than_that_of_the_weight;
template <std::size_t In, std::size_t Out>
struct error_lora_pissa_goes_with_neither_dropout_nor_magnitude;
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
//
// With lora_init::pissa the starts A0 and B0 stay beside A and B, and what is added is s ((B - B0) A + B0 (A - A0)),
// the published s (B A - B0 A0) so written that it is exactly zero at first: W, which others share, is left as it is,
// and the model starts as its base.
template <class Layer, auto Options>
struct Lora : Module<Lora<Layer, Options>> {
  using Linear = detail::LinearLayer<Layer>;
  using P = typename Linear::policy;
  using T = typename P::value;
  static constexpr std::size_t In = Linear::in, Out = Linear::out, rank = Options.rank;
  static constexpr parts meant = detail::parts_meant(Options.on, static_cast<typename Linear::place*>(nullptr));
  static constexpr parts where = meant.count ? meant : parts{};
  static constexpr std::size_t selected = where.selected(), columns = Out / where.count * selected;
  static constexpr bool pissa = Options.init == lora_init::pissa;
  static constexpr std::size_t most = std::min(In, Out / where.count);
  static_assert(sizeof(std::conditional_t<rank == 0, error_lora_rank_is_zero<In, Out>, P>) > 0);
  static constexpr bool is_too_much = pissa && rank > most, is_mixed = Options.magnitude || Options.dropout > 0;
  using check_rank =
      std::conditional_t<is_too_much, error_lora_pissa_rank_is_more_than_that_of_the_weight<rank, most>, P>;
  using check_options =
      std::conditional_t<pissa && is_mixed, error_lora_pissa_goes_with_neither_dropout_nor_magnitude<In, Out>, P>;
  static_assert(sizeof(check_rank) > 0 && sizeof(check_options) > 0);
  static constexpr std::size_t absent_members = (Options.magnitude ? 0 : 1) + (pissa ? 0 : 2);
  using Magnitude = std::conditional_t<Options.magnitude, Param<Shape<columns>, P, site::lora, initial::ones>, Absent>;

  // A start is kept as a running statistic is, under its name and in no count of parameters; it does not run.
  template <class S>
  using Start = std::conditional_t<pissa, Statistic<S, P>, Absent>;

  typename detail::WithFrozenWeight<Layer>::type base;
  Param<Shape<selected * rank, In>, P, site::lora, initial::uniform_fan_in<In>> lora_A;
  Param<Shape<columns, rank>, P, site::lora> lora_B;
  Magnitude lora_magnitude_vector;
  Start<Shape<selected * rank, In>> start_A;
  Start<Shape<columns, rank>> start_B;

  static constexpr void visit(auto& self, auto&& f) {
    f("", self.base);
    f("lora_A.weight", self.lora_A);
    f("lora_B.weight", self.lora_B);
    if constexpr (Options.magnitude) f("lora_magnitude_vector", self.lora_magnitude_vector);
    if constexpr (pissa) {
      f("lora_A.start", self.start_A);
      f("lora_B.start", self.start_B);
    }
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
    return {path, In, Out, rank, where, Options.alpha, Options.dropout, Options.rank_stabilised, Options.magnitude,
            pissa};
  }
  // For Model: what starts from the weight, magnitudes and PiSSA; and B may learn at a rate of its own.
  static constexpr bool derives = decltype(lora_B)::trainable && (Options.magnitude || Options.b_rate != 1 || pissa);
  template <class Backend, class Store>
  static void derive(Lora& self, const Backend& backend, Store& own) {
    own.table[static_cast<std::size_t>(self.lora_B.slot)].rate = Options.b_rate;
    if constexpr (Options.magnitude) {
      const auto slot = static_cast<std::size_t>(self.lora_magnitude_vector.slot);
      lengths().run(backend, self.base.weight.data, self.lora_A.data, self.lora_B.data,
                    own.values.data() + own.offsets[slot]);
    }
    if constexpr (pissa) start_from_weight<Backend>(self);
  }
  // Writes the weight [Out, In] of the plain layer that computes the same.
  template <class Backend>
  void merge(const Backend& backend, T* to) const {
    Backend::memory::copy(to, base.weight.data, Out * In * sizeof(T));
    if constexpr (pissa) {
      const auto a = change<Backend>(lora_A.data, start_A.data, selected * rank * In);
      const auto b = change<Backend>(lora_B.data, start_B.data, columns * rank);
      add_product(backend, lora_A.data, b.data(), to);
      add_product(backend, a.data(), start_B.data, to);
    } else {
      add_product(backend, lora_A.data, lora_B.data, to);
    }
    if constexpr (Options.magnitude) {
      Buffer<T, typename Backend::memory> length(columns);
      lengths().run(backend, base.weight.data, lora_A.data, lora_B.data, length.data());
      std::size_t q = 0;
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

  template <class Backend>
  static auto change(const T* now, const T* start, std::size_t size) {
    using Memory = typename Backend::memory;
    std::vector<T> a(size), b(size);
    Memory::copy(a.data(), now, size * sizeof(T));
    Memory::copy(b.data(), start, size * sizeof(T));
    for (std::size_t i = 0; i < size; ++i) a[i] -= b[i];
    Buffer<T, Memory> difference(size);
    Memory::copy(difference.data(), a.data(), size * sizeof(T));
    return difference;
  }
  // to [Out, In] += s B A, in the rows of the parts.
  template <class Backend>
  static void add_product(const Backend& backend, const T* a, const T* b, T* to) {
    constexpr std::size_t width = Out / where.count;
    std::size_t q = 0;
    for (std::size_t part = 0; part < where.count; ++part) {
      if (!where.has(part)) continue;
      Product<T> p;
      p.m = width, p.n = In, p.k = rank;
      p.a = b + q * width * rank, p.a_row = static_cast<std::ptrdiff_t>(rank);
      p.b = a + q * rank * In, p.b_row = static_cast<std::ptrdiff_t>(In);
      p.c = to + part * width * In, p.c_row = static_cast<std::ptrdiff_t>(In);
      p.residual = p.c, p.residual_row = p.c_row;
      p.scale = static_cast<T>(Options.scale());
      backend.product(p);
      ++q;
    }
  }
  // Of each part's W = sum u sigma v^T the first `rank` terms: B = u sqrt(sigma / s), A = sqrt(sigma / s) v^T.
  template <class Backend>
  static void start_from_weight(Lora& self) {
    constexpr std::size_t width = Out / where.count;
    std::vector<T> weight(Out * In), a(selected * rank * In), b(columns * rank);
    Backend::memory::copy(weight.data(), self.base.weight.data, weight.size() * sizeof(T));
    std::size_t q = 0;
    for (std::size_t part = 0; part < where.count; ++part) {
      if (!where.has(part)) continue;
      detail::RowMajor w{width, In};
      std::copy_n(weight.data() + part * width * In, width * In, w.values.begin());
      const detail::Principal found = detail::principal(w, rank);
      for (std::size_t k = 0; k < rank; ++k) {
        const double root = std::sqrt(found.values[k] / Options.scale());
        for (std::size_t j = 0; j < In; ++j) a[(q * rank + k) * In + j] = static_cast<T>(root * found.right.row(j)[k]);
        for (std::size_t i = 0; i < width; ++i)
          b[(q * width + i) * rank + k] = static_cast<T>(root * found.left.row(i)[k]);
      }
      ++q;
    }
    // The model that owns them hands itself in.
    const auto set = [](const T* to, const std::vector<T>& values) {
      Backend::memory::copy(const_cast<T*>(to), values.data(), values.size() * sizeof(T));
    };
    set(self.lora_A.data, a), set(self.start_A.data, a);
    set(self.lora_B.data, b), set(self.start_B.data, b);
  }

  constexpr auto add_to(const auto& y, const auto& x) const {
    if constexpr (pissa) {
      auto* step = detail::context_of(x);
      const auto a = as_var(step, lora_A);
      const auto a0 = as_var(step, start_A);
      const auto b = as_var(step, lora_B);
      const auto b0 = as_var(step, start_B);
      using ByPart = Shape<selected, rank, In>;
      Var down = concat<1>(reshape<ByPart>(a), reshape<ByPart>(evaluate(a - a0)));
      return low_rank<where>(y, x, reshape<Shape<selected * 2 * rank, In>>(down), concat<1>(b - b0, b0),
                             Options.scale());
    } else if constexpr (Options.dropout > 0) {
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
