// lora.cpp - a model tuned with LoRA or DoRA: what trains, where it starts, what its training leaves alone, and merging.
#include "catch.hpp"
#include "tune/small_vit.hpp"

#include <algorithm>
#include <type_traits>

#include <vitrail/nn/trainable.hpp>

namespace {

namespace site = vt::site;

using Low = vt::tuned_module<Net, vt::lora{.rank = 2, .alpha = 4}, vt::head<5>>;
using Magnitude = vt::tuned_module<Net, vt::lora{.rank = 2, .on = vt::sites<site::v>, .magnitude = true}>;
// All that an optimiser will have.
static_assert(std::is_same_v<vt::trainable_parameters<Low>,
                             vt::TypeList<vt::Trainable<"blocks.0.attn.qkv.lora_A.weight", vt::Shape<4, 16>>,
                                          vt::Trainable<"blocks.0.attn.qkv.lora_B.weight", vt::Shape<32, 2>>,
                                          vt::Trainable<"blocks.1.attn.qkv.lora_A.weight", vt::Shape<4, 16>>,
                                          vt::Trainable<"blocks.1.attn.qkv.lora_B.weight", vt::Shape<32, 2>>,
                                          vt::Trainable<"head.weight", vt::Shape<5, 16>>,
                                          vt::Trainable<"head.bias", vt::Shape<5>>>>);
static_assert(vt::trainable_count<Magnitude>() == 2 * (2 * 16 + 16 * 2 + 16));

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

TEST_CASE("LoRA starts as its base, trains alone and merges") {
  check_start_training_and_merge<vt::lora{.rank = 2, .alpha = 4}>();
}
TEST_CASE("LoRA on the whole of every layer, with a bias and the head that train") {
  check_start_training_and_merge<
      vt::lora{.rank = 3, .on = vt::sites<site::qkv, site::proj, site::fc1, site::fc2>, .rank_stabilised = true},
      vt::head<>, vt::train<site::bias>>();
}
TEST_CASE("DoRA starts as its base, trains alone and merges") {
  check_start_training_and_merge<
      vt::lora{.rank = 2, .on = vt::sites<site::q, site::v, site::fc1>, .magnitude = true}>();
}
