// classifier.hpp - a backbone with a linear head, or two. The number of classes is not part of the backbone.
#pragma once

#include <tuple>
#include <type_traits>

#include "../nn/linear.hpp"
#include "../ops/slice.hpp"

namespace vitrail::inline VITRAIL_TU {

// Backbone must have `policy`, `input` (the Shape of a sample) and `features`, and give [features] per sample. It may
// say what its head is called.
template <class Backbone, std::size_t Classes>
struct Classifier : Module<Classifier<Backbone, Classes>> {
  using policy = typename Backbone::policy;
  using input = typename Backbone::input;
  static constexpr std::size_t classes = Classes;

  Backbone backbone;
  Linear<Backbone::features, Classes, policy, site::head> head;

  // The backbone adds nothing to the names: they are those of the whole model in timm, where some heads stand deeper.
  static constexpr void visit(auto& self, auto&& f) {
    f("", self.backbone);
    f(head_name(), self.head);
  }
  static constexpr const char* head_name() {
    if constexpr (requires { Backbone::head_name; }) {
      return Backbone::head_name;
    } else {
      return "head";
    }
  }
  constexpr auto forward(const auto& x) const { return head(backbone(x)); }
};

// A second head for a second token that learns from a teacher (Touvron et al. 2021, "DeiT"). Backbone gives [2,
// features]. While training it returns both heads' logits, `auto [logits, distilled] = net(x)`, each for a loss of its
// own; else the mean of the two.
template <class Backbone, std::size_t Classes>
struct DistilledClassifier : Module<DistilledClassifier<Backbone, Classes>> {
  using policy = typename Backbone::policy;
  using input = typename Backbone::input;
  static constexpr std::size_t classes = Classes;

  Backbone backbone;
  Linear<Backbone::features, Classes, policy, site::head> head, head_dist;

  static constexpr void visit(auto& self, auto&& f) {
    f("", self.backbone);
    f("head", self.head);
    f("head_dist", self.head_dist);
  }
  constexpr auto forward(const auto& x) const {
    Var tokens = backbone(x);
    Var logits = head(token<0>(tokens));
    Var distilled = head_dist(token<1>(tokens));
    if constexpr (decltype(tokens)::context::training) {
      return std::tuple(logits, distilled);
    } else {
      return (logits + distilled) * 0.5;
    }
  }

 private:
  template <std::size_t I>
  static constexpr auto token(const auto& tokens) {
    return reshape<Shape<Backbone::features>>(slice<0, I, I + 1>(tokens));
  }
};

}  // namespace vitrail::inline VITRAIL_TU
