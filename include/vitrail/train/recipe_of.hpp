// recipe_of.hpp - a recipe that suits the methods of a tuned model: methods want rates far apart.
#pragma once

#include "../tune/methods.hpp"
#include "recipe.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
template <class Policy>
struct FirstMethod {
  static void set(Recipe&) {}
};
template <class P, auto First, auto... More>
struct FirstMethod<tuned<P, First, More...>> {
  using Method = method_type<First>;
  static void set(Recipe& recipe) {
    if constexpr (requires { Method::rate; }) recipe.rate = Method::rate;
    if constexpr (requires { Method::weight_decay; }) recipe.weight_decay = Method::weight_decay;
  }
};
}  // namespace detail

// The recipe with the rate and weight decay of the model's first method; of a model that is not tuned, Recipe{}. Rates
// of LoRA, prompts and adapters are 10 to 100 times those of full fine-tuning: with one rate for all, a comparison of
// methods compares rates. `auto recipe = vt::recipe_of(tuned); recipe.epochs = 5;`
template <class Model>
Recipe recipe_of(const Model&) {
  Recipe recipe;
  detail::FirstMethod<typename Model::policy>::set(recipe);
  return recipe;
}

}  // namespace vitrail::inline VITRAIL_TU
