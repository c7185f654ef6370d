// formulas.cpp - adapters and prompts give the logits and gradients of their published formulas, written in PyTorch.
#include "catch.hpp"
#include "models/parity.hpp"
#include "vitrail/io/checkpoint.hpp"

#include <vitrail/tune/tune.hpp>

namespace {

namespace vt = vitrail;

constexpr vt::ViTConfig token{.image = 8, .channels = 2, .patch = 4, .dim = 12, .depth = 2, .heads = 2, .mlp = 20};
constexpr vt::ViTConfig mean = [] {
  vt::ViTConfig config = token;
  config.pool = vt::pooling::mean;
  return config;
}();
template <vt::ViTConfig C, auto... Methods>
void compare(const char* name) {
  using Net = vt::tuned_module<vt::ViT<C, 5, vt::cpu_double>, Methods...>;
  parity::compare<Net>(std::string("../../tune/fixtures/") + name, 1e-12);
}

}  // namespace

TEST_CASE("prompts in front of every layer, as keys alone, and adapters beside the mlp are the published functions") {
  compare<token, vt::visual_prompts{.count = 3, .deep = true}, vt::adaptformer{.hidden = 6, .dropout = 0}>(
      "deep_prompts");
}
TEST_CASE(
    "prompts through all layers, left out of the mean, and adapters in both branches are the published functions") {
  compare<mean, vt::visual_prompts{.count = 3}, vt::houlsby{.reduction = 2}>("shallow_prompts");
}
