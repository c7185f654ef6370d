// adapter.hpp - bottleneck adapters: small networks for each token by itself, in or beside the branches of the blocks
// of a frozen base. Only they train, with the head if that does.
#pragma once

#include <cstddef>
#include <ratio>
#include <type_traits>

#include "../nn/linear.hpp"
#include "../ops/dropout.hpp"

namespace vitrail::inline VITRAIL_TU {

enum class nonlinearity { relu, gelu, silu };

struct AdapterOptions {
  nonlinearity f = nonlinearity::relu;
  double scale = 1;
  double dropout = 0;              // behind f, while training
  bool learns_scale = false;       // a scale for each channel trains, from `scale` on
  bool starts_as_identity = true;  // up starts at zero, else both matrices normal with deviation 0.01, cut at two
};

template <std::size_t D>
struct error_adapter_has_no_hidden_channels;

// x + s up(f(down(x))), [.., D] -> [.., D], through Hidden channels; called with y, s up(f(down(x))) + y.
//
// Of the two matrices one only starts at zero: were both, no gradient would ever reach either.
template <std::size_t D, std::size_t Hidden, class P = cpu, AdapterOptions O = AdapterOptions{}>
struct Adapter : Module<Adapter<D, Hidden, P, O>> {
  static_assert(sizeof(std::conditional_t<Hidden == 0, error_adapter_has_no_hidden_channels<D>, P>) > 0);
  static constexpr std::size_t absent_members = O.learns_scale ? 0 : 1;
  // What forward reads. Of a template argument with padding inside and at its end, clang 19 reads the wrong bytes.
  static constexpr AdapterOptions options = O;
  using small = initial::truncated_normal<10000>;
  using Down = std::conditional_t<O.starts_as_identity, initial::uniform_fan_in<D>, small>;
  using Up = std::conditional_t<O.starts_as_identity, initial::zeros, small>;
  using Scale =
      std::conditional_t<O.learns_scale, Param<Shape<D>, P, site::adapter, initial::constant<O.scale>>, Absent>;

  Param<Shape<Hidden, D>, P, site::adapter, Down> down_weight;
  Param<Shape<Hidden>, P, site::bias_of<site::adapter>> down_bias;
  Param<Shape<D, Hidden>, P, site::adapter, Up> up_weight;
  Param<Shape<D>, P, site::bias_of<site::adapter>> up_bias;
  Scale scale;

  // AdaptFormer's names.
  static constexpr void visit(auto& self, auto&& f) {
    f("down_proj.weight", self.down_weight);
    f("down_proj.bias", self.down_bias);
    f("up_proj.weight", self.up_weight);
    f("up_proj.bias", self.up_bias);
    if constexpr (O.learns_scale) f("scale", self.scale);
  }
  constexpr auto forward(const auto& x) const { return forward(x, x); }
  constexpr auto forward(const auto& x, const auto& y) const {
    const auto h = dropped(activated(linear(x, down_weight, down_bias)));
    if constexpr (O.learns_scale) {
      return y + linear(h, up_weight, up_bias) * scale;
    } else if constexpr (O.scale != 1) {
      return y + linear(h, up_weight, up_bias) * options.scale;
    } else {
      return linear_residual(h, up_weight, up_bias, y);
    }
  }

 private:
  static constexpr auto activated(const auto& x) {
    if constexpr (O.f == nonlinearity::relu) {
      return evaluate(relu(x));
    } else if constexpr (O.f == nonlinearity::gelu) {
      return evaluate(gelu(x));
    } else {
      return evaluate(silu(x));
    }
  }
  static constexpr auto dropped(const auto& x) {
    if constexpr (O.dropout > 0) {
      return dropout(x, options.dropout);
    } else {
      return x;
    }
  }
};

namespace detail {

// How wide an adapter is: Hidden channels, or a part of those of the tokens.
struct AdapterWidth {
  std::size_t hidden = 0, reduction = 1;
  constexpr std::size_t of(std::size_t D) const { return hidden ? hidden : reduction ? D / reduction : 0; }
};
struct NoAdapter {
  using type = Absent;
};
template <AdapterWidth Width, AdapterOptions Options, class... Places>
struct AdapterTuning : freeze_all {
  template <class Site>
  static constexpr bool trains = site::covers<site::adapter, Site>;
  template <std::size_t D, class P>
  struct At {
    using type = Adapter<D, Width.of(D), P, Options>;
  };
  template <std::size_t D, class P, class Place>
  using added = typename std::conditional_t<(std::is_same_v<Place, Places> || ...), At<D, P>, NoAdapter>::type;
};
}  // namespace detail

// Beside the mlp: h + mlp(norm(h)) + scale up(relu(down(h))), h without its norm (Chen et al. 2022, "AdaptFormer").
// Starts as its base.
struct adaptformer {
  std::size_t hidden = 64;
  double scale = 0.1, dropout = 0.1;

  constexpr detail::AdapterWidth width() const { return {hidden, 0}; }
  constexpr AdapterOptions options() const { return {nonlinearity::relu, scale, dropout, false, true}; }
  template <auto Self>
  using tuning = detail::AdapterTuning<Self.width(), Self.options(), place::beside_mlp>;
  static constexpr bool merges = false;
  static constexpr double rate = 1e-3;
};
// After the mlp, before its residual is added, through D / reduction channels (Pfeiffer et al. 2021, "AdapterFusion").
// Starts as its base.
struct pfeiffer {
  std::size_t reduction = 16;

  constexpr detail::AdapterWidth width() const { return {0, reduction}; }
  constexpr AdapterOptions options() const { return {}; }
  template <auto Self>
  using tuning = detail::AdapterTuning<Self.width(), Self.options(), place::after_mlp>;
  static constexpr bool merges = false;
  static constexpr double rate = 1e-3;
};
// After attention and after the mlp, before their residuals are added (Houlsby et al. 2019, "Parameter-Efficient
// Transfer Learning for NLP"), with SiLU. Starts as its base.
struct houlsby {
  std::size_t reduction = 16;

  constexpr detail::AdapterWidth width() const { return {0, reduction}; }
  constexpr AdapterOptions options() const { return {nonlinearity::silu, 1, 0, false, true}; }
  template <auto Self>
  using tuning = detail::AdapterTuning<Self.width(), Self.options(), place::after_attention, place::after_mlp>;
  static constexpr bool merges = false;
  static constexpr double rate = 1e-3;
};
// After the mlp, with a scale for each channel that trains too (Steitz and Roth 2024, "Adapters Strike Back"). As
// published both matrices start small and none at zero: near its base.
struct adapter_plus {
  std::size_t hidden = 8;

  constexpr detail::AdapterWidth width() const { return {hidden, 0}; }
  constexpr AdapterOptions options() const { return {nonlinearity::gelu, 1, 0, true, false}; }
  template <auto Self>
  using tuning = detail::AdapterTuning<Self.width(), Self.options(), place::after_mlp>;
  static constexpr bool merges = false;
  static constexpr double rate = 1e-3;
};

}  // namespace vitrail::inline VITRAIL_TU
