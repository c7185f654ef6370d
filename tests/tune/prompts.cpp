// prompts.cpp - visual prompts: how many numbers train, where they start, and what becomes of the other tokens.
#include "catch.hpp"
#include "tune/extras.hpp"

#include <algorithm>
#include <cmath>

#include <vitrail/nn/cost.hpp>

namespace {

template <vt::visual_prompts V>
using B16 = vt::tuned_module<vt::ViT_B16<>, V>;
using Deep100 = B16<vt::visual_prompts{.count = 100, .deep = true}>;
static_assert(vt::trainable_count<B16<vt::visual_prompts{.count = 10}>>() == 7'680);
static_assert(vt::trainable_count<B16<vt::visual_prompts{.count = 100}>>() == 76'800);
static_assert(vt::trainable_count<B16<vt::visual_prompts{.count = 10, .deep = true}>>() == 92'160);
static_assert(vt::trainable_count<Deep100>() == 921'600);
// As keys, a hundred prompts cost their scores and their part of the sum, and once for a batch a product with qkv; in
// the sequence they are half as many tokens again.
constexpr std::size_t of_images(std::size_t one, std::size_t two) { return two - one; }
constexpr std::size_t plain = vt::cost_of<vt::ViT_B16<>>(1).multiply_adds;
constexpr std::size_t folded = of_images(vt::cost_of<Deep100>(1).multiply_adds, vt::cost_of<Deep100>(2).multiply_adds);
static_assert(folded - plain == (11 * 197 + 1) * 2 * 100 * 768);
static_assert(vt::cost_of<Deep100>(1).multiply_adds - folded == 12 * 100 * 768 * 3 * 768);
static_assert(vt::cost_of<B16<vt::visual_prompts{.count = 100}>>(1).multiply_adds > 3 * plain / 2);

constexpr vt::ViTConfig with_everything{.image = 12,
                                        .channels = 1,
                                        .patch = 4,
                                        .dim = 16,
                                        .depth = 2,
                                        .heads = 2,
                                        .mlp = 32,
                                        .pool = vt::pooling::mean,
                                        .dropout = 0.1,
                                        .drop_path = 0.1,
                                        .recompute = true,
                                        .class_token = false,
                                        .qk_norm = true,
                                        .init_values = 0.5,
                                        .pre_norm = true};
using All = vt::ViT<with_everything, 3>;
static_assert(vt::cost_of<vt::tuned_module<All, vt::visual_prompts{.count = 3, .deep = true}>>(1).multiply_adds -
                  vt::cost_of<All>(1).multiply_adds ==
              2 * (3 * 16 * 48 + 2 * 9 * 3 * 16));

}  // namespace

// They are at random, and attention spends a part of its weight on them.
TEST_CASE("deep prompts do not start as their base, and train alone") {
  check_extras<vt::visual_prompts{.count = 3, .deep = true}>(vt::Model<Net>(vt::seed{3}), false);
}
TEST_CASE("prompts in the sequence go with every option of a ViT") {
  check_extras<vt::visual_prompts{.count = 3}, vt::adaptformer{.hidden = 4}>(vt::Model<All>(vt::seed{3}), false);
}

TEST_CASE("a trained model without its prompts is its base") {
  const vt::Model<Net> base(vt::seed{3});
  const auto images = some_images<Net::input>(6);
  auto tuned = vt::tune<vt::visual_prompts{.count = 3, .deep = true}>(base, vt::seed{1});
  train(tuned, images, some_labels(6, 3), 5);
  const vt::Model<Net> left([&](const vt::ParameterInfo& wanted, float* to) {
    bool found = false;
    tuned.each_parameter([&](const vt::ParameterInfo& info, const float* values, bool) {
      if (info.path == wanted.path) std::copy_n(values, info.size, to), found = true;
    });
    return found;
  });
  CHECK(logits_of(left, images) == logits_of(base, images));
}

TEST_CASE("prompts start uniform in the published range") {
  const vt::Model<Net> base(vt::seed{3});
  const auto tuned = vt::tune<vt::visual_prompts{.count = 50, .deep = true}>(base, vt::seed{1});
  const double range = std::sqrt(6.0 / (4 * 4 + 16));
  std::size_t seen = 0;
  tuned.each_parameter([&](const vt::ParameterInfo& info, const float* values, bool trains) {
    if (!trains) return;
    seen += info.size;
    const auto [least, most] = std::minmax_element(values, values + info.size);
    CHECK(*least > -range);
    CHECK(*least < -0.95 * range);
    CHECK(*most < range);
    CHECK(*most > 0.95 * range);
  });
  CHECK(seen == 2 * 50 * 16);
}
