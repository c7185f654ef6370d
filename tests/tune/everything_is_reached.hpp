// everything_is_reached.hpp - that training reaches all that trains.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "catch.hpp"
#include "tune/small_vit.hpp"

namespace {

// Within two steps every trainable parameter has a gradient that is not zero.
template <class Model, class Images>
void check_two_steps_reach_everything(Model& tuned, const Images& images, const vt::Labels& labels) {
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
}

}  // namespace
