// site.hpp - where in a model a parameter stands. A tuning policy decides by site; a user may add tags of his own.
#pragma once

#include "../config.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace site {
struct none {};
struct patch {};
struct qkv {};
struct proj {};
struct fc1 {};
struct fc2 {};
struct norm {};
struct head {};
// Class token and positions: never decayed by the optimiser.
struct embedding {
  static constexpr bool decays = false;
};
}  // namespace site

}  // namespace vitrail::inline VITRAIL_TU
