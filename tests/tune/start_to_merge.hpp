// start_to_merge.hpp - what holds for every method that starts as its base and can be merged.
#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "catch.hpp"
#include "tune/everything_is_reached.hpp"
#include "tune/small_vit.hpp"

namespace {

template <auto... Methods>
void check_start_training_and_merge() {
  const vt::Model<Net> base(vt::seed{3});
  auto tuned = vt::tune<Methods...>(base, vt::seed{1});
  const auto images = some_images<Net::input>(6);
  const vt::Labels labels = some_labels(6, 3);

  // It starts as its base, and computes with the base's own memory.
  CHECK(logits_of(tuned, images) == logits_of(base, images));
  const Bytes before = bytes_of(tuned.frozen().values);
  CHECK(tuned.frozen().values.data() == base.shared_values()->values.data());

  // Everything that trains moves within two steps; nothing else does in a hundred.
  check_two_steps_reach_everything(tuned, images, labels);
  train(tuned, images, labels, 98);
  CHECK(bytes_of(tuned.frozen().values) == before);
  CHECK(logits_of(tuned, images) != logits_of(base, images));

  // Merged, it is a plain model with the same logits; the base is as it was.
  const auto plain = tuned.merged();
  static_assert(std::is_same_v<typename std::remove_cvref_t<decltype(plain)>::module, Net>);
  CHECK(difference(logits_of(plain, images), logits_of(tuned, images)) < 1e-5);
  CHECK(bytes_of(tuned.frozen().values) == before);
}

}  // namespace
