// methods.hpp - the methods of the study: a line for each. One of your own is one more line.
#pragma once

#include "adapt.hpp"

// The linear layers of every block.
inline constexpr auto everywhere = vt::sites<vt::site::qkv, vt::site::proj, vt::site::fc1, vt::site::fc2>;

template <class S>
void add_parameters(Subject& to) {
  constexpr auto full = vt::train_by<vt::train_all>;
  add<S, full>(to, "full", 1e-3);
  // The same on a base that has learnt nothing.
  to.methods.push_back(to.methods.back());
  to.methods.back().name = "from scratch";
  to.methods.back().run = [](const Task& task, const Setting& how) {
    return adapt<S, vt::train_by<vt::train_all>>(Base<S>(vt::seed{how.seed}, base_of<S>()->backend_options()), task,
                                                 how);
  };
  add<S>(to, "probe", 1e-2);
  add<S, vt::train<vt::site::bias>>(to, "BitFit", 3e-3);
  add<S, vt::train<vt::site::norm>>(to, "norms", 3e-3);
  add<S, vt::train_by<vt::train_last<1>>>(to, "last block", 1e-3);
}

template <class S>
void add_low_rank(Subject& to) {
  add<S, vt::lora{.rank = 2, .alpha = 2}>(to, "LoRA, r 2", 3e-3);
  add<S, vt::lora{.rank = 8, .alpha = 8}>(to, "LoRA, r 8", 3e-3);
  add<S, vt::lora{.rank = 32, .alpha = 32}>(to, "LoRA, r 32", 3e-3);
}

template <class S>
void add_low_rank_variants(Subject& to) {
  add<S, vt::lora{.rank = 8, .alpha = 8, .on = everywhere}>(to, "LoRA, r 8, all layers", 3e-3);
  add<S, vt::lora{.rank = 8, .alpha = 8, .magnitude = true}>(to, "DoRA, r 8", 3e-3);
}

template <class S>
void add_adapters(Subject& to) {
  add<S, vt::adaptformer{.hidden = 8}>(to, "AdaptFormer, 8", 3e-3);
  add<S, vt::pfeiffer{.reduction = 8}>(to, "Pfeiffer, D / 8", 3e-3);
}

template <class S>
void add_adapter_variants(Subject& to) {
  add<S, vt::houlsby{.reduction = 8}>(to, "Houlsby, D / 8", 3e-3);
  add<S, vt::adapter_plus{.hidden = 8}>(to, "AdapterPlus, 8", 3e-3);
}

template <class S>
void add_prompts(Subject& to) {
  add<S, vt::visual_prompts{.count = 8}>(to, "prompts, 8", 1e-2);
  add<S, vt::visual_prompts{.count = 8, .deep = true}>(to, "deep prompts, 8", 1e-2);
}
