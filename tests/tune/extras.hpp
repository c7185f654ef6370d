// extras.hpp - what must hold for a method that adds modules to a base.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "catch.hpp"
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

  std::vector<double> largest(tuned.trainable().table.size());
  train(tuned, images, labels, 2, [&](const auto& step) {
    for (std::size_t i = 0; i < largest.size(); ++i) {
      REQUIRE(step.reached(i));
      const auto& info = tuned.trainable().table[i];
      for (std::size_t j = 0; j < info.size; ++j) {
        largest[i] = std::max(largest[i], std::abs(static_cast<double>(step.gradients()[info.offset + j])));
      }
    }
  });
  for (std::size_t i = 0; i < largest.size(); ++i) {
    INFO(tuned.trainable().table[i].path);
    CHECK(largest[i] > 0);
  }
  train(tuned, images, labels, 18);
  CHECK(bytes_of(tuned.frozen().values) == before);
  CHECK(difference(logits_of(tuned, images), logits_of(base, images)) > 1e-3);
}

}  // namespace
