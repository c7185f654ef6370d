// lora.hpp - low-rank adaptation: a frozen weight W and, beside it, s B A of a small rank that trains (Hu et al. 2021,
// "LoRA: Low-Rank Adaptation of Large Language Models"). B starts at zero, or both at what is taken off
// again (PiSSA): the tuned model starts as its base.
#pragma once

#include <algorithm>
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
#include "linear_layer.hpp"
#include "lora_options.hpp"
#include "pissa.hpp"

namespace vitrail::inline VITRAIL_TU {

template <std::size_t In, std::size_t Out>
struct error_lora_rank_is_zero;
template <std::size_t Rank, std::size_t Most>
struct error_lora_pissa_rank_is_more_than_that_of_the_weight;
template <std::size_t In, std::size_t Out>
struct error_lora_pissa_goes_with_neither_dropout_nor_magnitude;

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
    if constexpr (pissa) {
      using Memory = typename Backend::memory;
      const auto start = detail::pissa_start<Memory>(self.base.weight.data, Out, In, where, rank, Options.scale());
      // The model that owns them hands itself in.
      const auto set = [](const T* to, const std::vector<T>& values) {
        Memory::copy(const_cast<T*>(to), values.data(), values.size() * sizeof(T));
      };
      set(self.lora_A.data, start.a), set(self.start_A.data, start.a);
      set(self.lora_B.data, start.b), set(self.start_B.data, start.b);
    }
  }
  // Writes the weight [Out, In] of the plain layer that computes the same.
  template <class Backend>
  void merge(const Backend& backend, T* to) const {
    Backend::memory::copy(to, base.weight.data, Out * In * sizeof(T));
    if constexpr (pissa) {
      using Memory = typename Backend::memory;
      const auto a = detail::difference_of<Memory>(lora_A.data, start_A.data, selected * rank * In);
      const auto b = detail::difference_of<Memory>(lora_B.data, start_B.data, columns * rank);
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
