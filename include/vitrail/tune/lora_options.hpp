// lora_options.hpp - the options of a LoRA: where it stands, of which rank and scale, and its variants.
#pragma once

#include <cstddef>
#include <string>
#include <type_traits>

#include "../nn/site.hpp"
#include "../ops/low_rank.hpp"

namespace vitrail::inline VITRAIL_TU {

// Which layers: vt::sites<vt::site::qkv, vt::site::fc1>. A name of a part, as site::q within site::qkv, means the
// columns of that part.
template <class... Site>
struct Sites {};
template <class... Site>
inline constexpr Sites<Site...> sites{};

namespace detail {
template <class T, class... Of>
inline constexpr bool is_one_of = (std::is_same_v<T, Of> || ...);
// The parts of a fused layer that the names mean; the whole layer if one of them is its own; count = 0: nothing.
template <class... Name, class Site>
constexpr parts parts_meant(Sites<Name...>, Site*) {
  if constexpr ((site::covers<Name, Site> || ...)) {
    return parts{1, 1};
  } else if constexpr (requires { typename Site::parts; }) {
    return []<class... Part>(site::together<Part...>*) {
      unsigned mask = 0, bit = 1;
      ((mask |= is_one_of<Part, Name...> ? bit : 0u, bit <<= 1), ...);
      return mask ? parts{sizeof...(Part), mask} : parts{0, 0};
    }(static_cast<typename Site::parts*>(nullptr));
  } else {
    return parts{0, 0};
  }
}
template <auto Options>
struct LoraTuning;
}  // namespace detail

// How A and B start. usual: A at random, B at zero. pissa: as the largest singular values and vectors of the weight, so
// that its principal part trains and the residual stays (Meng et al. 2024, "PiSSA"); B A - B0 A0 is what is added, zero
// at the start.
enum class lora_init { usual, pissa };

// The options of a LoRA. By default queries and values, as in the paper; peft's default rank and alpha.
template <class On = Sites<site::q, site::v>>
struct lora {
  std::size_t rank = 8;
  double alpha = 8;
  On on{};
  double dropout = 0;            // of the input of A, while training
  bool rank_stabilised = false;  // alpha / sqrt(rank) (Kalajdzievski 2023, rsLoRA) instead of alpha / rank
  double b_rate = 1;             // the learning rate of B, as a multiple (Hayou et al. 2024, "LoRA+"; 16 there)
  bool magnitude = false;        // each row's length trains apart (Liu et al. 2024, "DoRA")
  lora_init init = lora_init::usual;

  constexpr double scale() const {
    if (!rank_stabilised) return alpha / static_cast<double>(rank);
    double root = static_cast<double>(rank);  // Newton's iteration: std::sqrt is no constant in every compiler
    for (int i = 0; i < 64; ++i) root = (root + static_cast<double>(rank) / root) / 2;
    return alpha / root;
  }

  template <auto Self>
  using tuning = detail::LoraTuning<Self>;
  static constexpr bool merges = true;
  // Where it comes from: train/recipe_of.hpp.
  static constexpr double rate = 2e-3, weight_decay = 0;
};

// One of a model's LoRAs, for files.
struct LoraLayer {
  std::string path;  // of the layer: "blocks.0.attn.qkv"
  std::size_t in = 0, out = 0, rank = 0;
  parts where;
  double alpha = 0, dropout = 0;
  bool rank_stabilised = false, magnitude = false, pissa = false;
};

}  // namespace vitrail::inline VITRAIL_TU
