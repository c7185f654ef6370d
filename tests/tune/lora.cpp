// lora.cpp - a model tuned with LoRA: what trains, where it starts, what its training leaves alone, and merging.
#include "catch.hpp"
#include "tune/start_to_merge.hpp"

#include <type_traits>

#include <vitrail/nn/trainable.hpp>

namespace {

namespace site = vt::site;

using Low = vt::tuned_module<Net, vt::lora{.rank = 2, .alpha = 4}, vt::head<5>>;
// All that an optimiser will have.
static_assert(std::is_same_v<
              vt::trainable_parameters<Low>,
              vt::TypeList<vt::Trainable<"blocks.0.attn.qkv.lora_A.weight", vt::Shape<4, 16>>,
                           vt::Trainable<"blocks.0.attn.qkv.lora_B.weight", vt::Shape<32, 2>>,
                           vt::Trainable<"blocks.1.attn.qkv.lora_A.weight", vt::Shape<4, 16>>,
                           vt::Trainable<"blocks.1.attn.qkv.lora_B.weight", vt::Shape<32, 2>>,
                           vt::Trainable<"head.weight", vt::Shape<5, 16>>, vt::Trainable<"head.bias", vt::Shape<5>>>>);

}  // namespace

TEST_CASE("LoRA starts as its base, trains alone and merges") {
  check_start_training_and_merge<vt::lora{.rank = 2, .alpha = 4}>();
}
TEST_CASE("LoRA on the whole of every layer, with a bias and the head that train") {
  check_start_training_and_merge<
      vt::lora{.rank = 3, .on = vt::sites<site::qkv, site::proj, site::fc1, site::fc2>, .rank_stabilised = true},
      vt::head<>, vt::train<site::bias>>();
}
