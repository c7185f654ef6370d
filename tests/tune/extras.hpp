// extras.hpp - what must hold for a method that adds modules to a base.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "catch.hpp"
#include "tune/everything_is_reached.hpp"
#include "tune/small_vit.hpp"

namespace {

// Where it starts; that within two steps a gradient reaches everything that trains, and that its base stays as it was.
template <auto... Methods, class M>
void check_extras(const vt::Model<M>& base, bool starts_as_base) {
  auto tuned = vt::tune<Methods...>(base, vt::seed{1});
  const auto images = some_images<typename M::input>(6);
  const vt::Labels labels = some_labels(6, 3);
  CHECK((logits_of(tuned, images) == logits_of(base, images)) == starts_as_base);
  const Bytes before = bytes_of(tuned.frozen().values);
  CHECK(tuned.frozen().values.data() == base.shared_values()->values.data());

  check_two_steps_reach_everything(tuned, images, labels);
  train(tuned, images, labels, 18);
  CHECK(bytes_of(tuned.frozen().values) == before);
  CHECK(difference(logits_of(tuned, images), logits_of(base, images)) > 1e-3);
}

}  // namespace
