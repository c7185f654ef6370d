// tune.hpp - parameter-efficient fine-tuning: a frozen base that many models share, and methods that add what trains.
#pragma once

#include <type_traits>

#include "adapter.hpp"
#include "lora.hpp"
#include "merge.hpp"
#include "methods.hpp"
#include "prompts.hpp"

namespace vitrail::inline VITRAIL_TU {

// A model whose policy is vt::tuned<...>; a Model as any other for steps, optimisers, predictors and files.
template <class M>
class Tuned : public Model<M> {
 public:
  using Model<M>::Model;
  // A plain model with the same results but for rounding: what was added is merged into its weights, and this one and
  // its base stay as they are. Its policy is the base's. Methods that cannot be merged stay in it.
  auto merged() const { return vitrail::merged(static_cast<const Model<M>&>(*this)); }
};

template <class M>
struct error_tune_nothing_would_train;

// A tuned model on the values of its base, which it shares:
// `auto tuned = vt::tune<vt::lora{.rank = 8}, vt::head<37>>(base, vt::seed{1});`. The base may train on, or be gone,
// while this lives; any number of models may be tuned on one base. Throws error with a line for each parameter that
// does not fit.
template <auto... Methods, class M>
auto tune(const Model<M>& base, seed s = {}) {
  using Module = tuned_module<M, Methods...>;
  if constexpr (trainable_count<Module>() == 0) (void)sizeof(error_tune_nothing_would_train<Module>);
  return Tuned<Module>(base.shared_values(), s, base.backend_options());
}

}  // namespace vitrail::inline VITRAIL_TU
