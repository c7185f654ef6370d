// pissa.cpp - a model tuned with PiSSA: the principal part of each weight trains, and the model starts as its base.
#include "tune/start_to_merge.hpp"

#include <type_traits>

#include <vitrail/nn/trainable.hpp>

namespace {

namespace site = vt::site;

constexpr vt::lora principal{.rank = 2, .alpha = 4, .init = vt::lora_init::pissa};
// As many parameters as a LoRA has; the starts are none.
using Both = vt::tuned_module<Net, principal, vt::head<>>;
using Low = vt::tuned_module<Net, vt::lora{.rank = 2, .alpha = 4}, vt::head<>>;
static_assert(std::is_same_v<vt::trainable_parameters<Both>, vt::trainable_parameters<Low>>);
static_assert(vt::parameter_count<Both>() == vt::parameter_count<Low>());
static_assert(vt::trainable_count<vt::tuned_module<vt::ViT_B16<>, vt::lora{.init = vt::lora_init::pissa}>>() ==
              294'912);

}  // namespace

// To the bit: what is added is a sum of products with B - B0 and A - A0.
TEST_CASE("PiSSA starts as its base, trains alone and merges") { check_start_training_and_merge<principal>(); }

TEST_CASE("both matrices of PiSSA have a gradient from the first step on, and no start moves") {
  const vt::Model<Net> base(vt::seed{3});
  auto tuned = vt::tune<vt::lora{.rank = 3,
                                 .on = vt::sites<site::qkv, site::fc2>,
                                 .rank_stabilised = true,
                                 .b_rate = 4,
                                 .init = vt::lora_init::pissa}>(base, vt::seed{1});
  const auto images = some_images<Net::input>(6);
  CHECK(logits_of(tuned.merged(), images) == logits_of(base, images));
  const Bytes starts = bytes_of(tuned.statistics().values);
  CHECK(tuned.statistics().table.size() == tuned.trainable().table.size());
  train(tuned, images, some_labels(6, 3), 3, [&](const auto& step) {
    for (const auto& info : tuned.trainable().table) {
      INFO(info.path);
      const auto at = step.gradients() + info.offset;
      CHECK(std::any_of(at, at + info.size, [](float g) { return g != 0; }));
    }
  });
  CHECK(bytes_of(tuned.statistics().values) == starts);
  // The starts are those of the base, not of the seed.
  const auto other = vt::tune<vt::lora{.rank = 3,
                                       .on = vt::sites<site::qkv, site::fc2>,
                                       .rank_stabilised = true,
                                       .b_rate = 4,
                                       .init = vt::lora_init::pissa}>(base, vt::seed{2});
  CHECK(bytes_of(other.statistics().values) == starts);

  // Values that exist, of a checkpoint, say, are no start.
  using Module = decltype(tuned)::module;
  const vt::Model<Module> copy([&](const vt::ParameterInfo& wanted, float* to) {
    tuned.each_parameter([&](const vt::ParameterInfo& info, const float* values, bool) {
      if (info.path == wanted.path) std::copy_n(values, info.size, to);
    });
    return true;
  });
  CHECK(logits_of(copy, images) == logits_of(tuned, images));
}
