// dora.cpp - a model tuned with DoRA: the lengths of rows train apart from their directions.
#include "tune/start_to_merge.hpp"

namespace {

namespace site = vt::site;

using Magnitude = vt::tuned_module<Net, vt::lora{.rank = 2, .on = vt::sites<site::v>, .magnitude = true}>;
static_assert(vt::trainable_count<Magnitude>() == 2 * (2 * 16 + 16 * 2 + 16));

}  // namespace

TEST_CASE("DoRA starts as its base, trains alone and merges") {
  check_start_training_and_merge<vt::lora{
      .rank = 2, .on = vt::sites<site::q, site::v, site::fc1>, .magnitude = true}>();
}
