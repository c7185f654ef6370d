// site.hpp - where in a model a parameter stands. A tuning policy decides by site; a user may add tags of his own.
#pragma once

#include <cstddef>
#include <type_traits>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace site {
// The layers that one product computes together, in the order of its columns, each of as many.
template <class... Layers>
struct together {};

struct none {};
struct patch {};
struct conv {};
struct q {};  // from the target, in cross-attention
struct k {};
struct v {};
struct qkv {
  using parts = together<q, k, v>;
};
struct kv {  // of cross-attention: from the source
  using parts = together<k, v>;
};
struct proj {};
struct fc1 {};
struct fc2 {};
struct norm {};
struct head {};
struct merge {};
struct scale {};  // layer scale
struct pool {};   // the layers of attention pooling
struct lora {};   // the low-rank matrices that vt::lora puts beside a frozen weight
struct adapter {};
struct prompt {};
// Class token and positions: never decayed by the optimiser.
struct embedding {
  static constexpr bool decays = false;
};
// What the scores within a window take from the distance of two tokens: a table, or the network that computes it. Never
// decayed, as in Swin's recipe.
struct relative_position {
  static constexpr bool decays = false;
};
// Where the bias of a layer at Layer stands; its weight stands at Layer itself.
template <class Layer>
struct bias_of {};
// A name for all biases together, in tunings: train_only<site::bias, site::head>.
struct bias {};

// Does the name of a site mean the parameter that stands at At? A layer's name means its weight and its bias,
// site::bias the bias of every layer, bias_of<qkv> that one only.
template <class Name, class At>
inline constexpr bool covers = std::is_same_v<Name, At>;
template <class Layer>
inline constexpr bool covers<Layer, bias_of<Layer>> = true;
template <class Layer>
inline constexpr bool covers<bias, bias_of<Layer>> = true;
}  // namespace site

// Where a tuning may put a module of its own. In a transformer block: on what attention or the mlp gives, before the
// residual is added; or beside the mlp, on that residual.
namespace place {
struct after_attention {};
struct after_mlp {};
struct beside_mlp {};
// In front of the Depth blocks of a ViT, where patches of Inputs numbers have become tokens.
template <std::size_t Inputs, std::size_t Depth>
struct tokens {};
// The same of a Swin whose stages have so many blocks, each stage with twice the channels of the one before.
template <std::size_t Inputs, std::size_t... Depths>
struct window_tokens {};
}  // namespace place

}  // namespace vitrail::inline VITRAIL_TU
