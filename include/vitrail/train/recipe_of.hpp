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

// The recipe with the rate and weight decay of the model's first method, as far as it has them; else Recipe{}'s.
// `auto recipe = vt::recipe_of(tuned); recipe.epochs = 5;` Rates are for AdamW:
//   adapters, heads, vt::train  1e-3: the code of Steitz and Roth (2024, "Adapters Strike Back") has it for adapters of
//                               all kinds and for a head alone, on ViT-B/16 in 100 epochs
//   vt::lora                    2e-3 without decay: between that and the 5e-3 of peft's example, 512 images a step
//   vt::visual_prompts          1e-2: our choice, since Jia et al. (2022) search with SGD for each data set
//   vt::train_by                Recipe's 1e-3; for full fine-tuning of a large model Steitz and Roth have 1e-4
// They are where to start with a large model and many epochs. Models of 0.2 million parameters in 300 steps did best
// with up to 300 times as much: 1e-2 for LoRA, 1e-2 to 1e-1 for adapters and prompts, 3e-1 for a head alone
// (docs/tuning_study.md). With one rate for all, a comparison of methods compares rates.
template <class Model>
Recipe recipe_of(const Model&) {
  Recipe recipe;
  detail::FirstMethod<typename Model::policy>::set(recipe);
  return recipe;
}

}  // namespace vitrail::inline VITRAIL_TU
