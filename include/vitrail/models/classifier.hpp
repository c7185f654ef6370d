// classifier.hpp - a backbone with a linear head. The number of classes is not part of the backbone.
#pragma once

#include "../nn/linear.hpp"

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

  static constexpr const char* head_name() {
    if constexpr (requires { Backbone::head_name; }) {
      return Backbone::head_name;
    } else {
      return "head";
    }
  }

  // The backbone adds nothing to the names: they are those of the whole model in timm.
  static constexpr void visit(auto& self, auto&& f) {
    f("", self.backbone);
    f(head_name(), self.head);
  }
  constexpr auto forward(const auto& x) const { return head(backbone(x)); }
};

}  // namespace vitrail::inline VITRAIL_TU
