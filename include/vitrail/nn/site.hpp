// site.hpp - where in a model a parameter stands. A tuning policy decides by site; a user may add tags of his own.
#pragma once

#include <type_traits>

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace site {
struct none {};
struct patch {};
struct conv {};
struct qkv {};
struct q {};   // of cross-attention: from the target
struct kv {};  // and from the source
struct proj {};
struct fc1 {};
struct fc2 {};
struct norm {};
struct head {};
struct merge {};
struct scale {};  // layer scale
struct pool {};   // the layers of attention pooling
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

}  // namespace vitrail::inline VITRAIL_TU
