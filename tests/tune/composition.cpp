// composition.cpp - several methods on one base.
#include "catch.hpp"
#include "tune/small_vit.hpp"

#include <cstddef>
#include <type_traits>

TEST_CASE("adapters, LoRA and the head train together; what can be merged is merged") {
  const vt::Model<Net> base(vt::seed{3});
  const auto images = some_images<Net::input>(6);
  auto tuned = vt::tune<vt::lora{.rank = 2}, vt::adapter_plus{.hidden = 4}, vt::head<>>(base, vt::seed{1});
  using All = typename decltype(tuned)::module;
  constexpr std::size_t low_rank = 2 * (2 * 2 * 16 + 2 * 16 * 2), adapters = 2 * (2 * 16 * 4 + 4 + 16 + 16);
  static_assert(vt::trainable_count<All>() == low_rank + adapters + 3 * 16 + 3);
  // A published start at which neither matrix is zero: near the base.
  const double start = difference(logits_of(tuned, images), logits_of(base, images));
  CHECK(start > 0);
  CHECK(start < 1e-3);
  train(tuned, images, some_labels(6, 3), 5);
  const auto merged = tuned.merged();
  using Left = typename std::remove_cvref_t<decltype(merged)>::module;
  static_assert(vt::parameter_count<Left>() == vt::parameter_count<All>() - low_rank);
  CHECK(difference(logits_of(merged, images), logits_of(tuned, images)) < 1e-5);
}

TEST_CASE("what a tuning trains, with a new head: all of it, or the last block, from the base's values") {
  constexpr auto full = vt::train_by<vt::train_all>;
  constexpr auto last = vt::train_by<vt::train_last<1>>;
  using Five = vt::ViT<small_vit, 5>;
  static_assert(vt::trainable_count<vt::tuned_module<Net, full, vt::head<5>>>() == vt::parameter_count<Five>());
  const vt::Model<Net> base(vt::seed{3});
  auto tuned = vt::tune<last, vt::head<5>>(base, vt::seed{1});
  using Last = vt::with_tuning<vt::cpu, vt::train_last<1>>;
  static_assert(vt::trainable_count<decltype(tuned)::module>() == vt::trainable_count<vt::ViT<small_vit, 5, Last>>());
  tuned.each_parameter([&](const auto& info, const float* values, bool trainable) {
    CHECK((trainable || !info.path.starts_with("blocks.1.")));
    base.each_parameter([&](const auto& other, const float* expected, bool) {
      if (info.path != other.path || info.path.starts_with("head.")) return;
      CHECK(std::equal(values, values + info.size, expected));
    });
  });
}
