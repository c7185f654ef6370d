// sharing.cpp - many tuned models on one base: they share its memory, differ in their heads, serve from many threads.
#include "catch.hpp"
#include "tune/small_vit.hpp"

#include <memory>
#include <thread>

#include "io/messages.hpp"

namespace {

using Low = vt::Tuned<vt::tuned_module<Net, vt::lora{.rank = 2}, vt::head<5>>>;

std::unique_ptr<Low> trained(const vt::Model<Net>& base, std::uint64_t seed) {
  auto tuned = std::make_unique<Low>(base.shared_values(), vt::seed{seed});
  train(*tuned, some_images<Net::input>(4), some_labels(4, 5), 2);
  return tuned;
}

}  // namespace

TEST_CASE("tuned models share their base and outlive it") {
  auto base = std::make_unique<vt::Model<Net>>(vt::seed{1});
  const auto images = some_images<Net::input>(3);
  const auto before = logits_of(*base, images);
  auto five = vt::tune<vt::lora{.rank = 2}, vt::head<5>>(*base);
  auto seven = vt::tune<vt::head<7>>(*base);
  auto same = vt::tune<vt::train<vt::site::norm>>(*base);
  CHECK(five.frozen().values.data() == seven.frozen().values.data());
  CHECK(five.frozen().values.data() == same.frozen().values.data());
  CHECK(logits_of(five, images).size() == 3 * 5);
  CHECK(logits_of(seven, images).size() == 3 * 7);

  // The base trains on and is gone: they do not notice.
  const auto of_five = logits_of(five, images);
  train(*base, images, some_labels(3, 3), 3);
  CHECK(logits_of(*base, images) != before);
  auto later = vt::tune<vt::head<>>(*base);
  CHECK(later.frozen().values.data() != same.frozen().values.data());
  CHECK(logits_of(later, images) == logits_of(*base, images));
  base.reset();
  CHECK(logits_of(five, images) == of_five);
  CHECK(logits_of(same, images) == before);
  CHECK(logits_of(same.merged(), images) == before);
}
TEST_CASE("a base that is frozen itself is not copied at all") {
  using Frozen = vt::ViT<small_vit, 3, vt::with_tuning<vt::cpu, vt::freeze_all>>;
  const vt::Model<Frozen> base(vt::seed{1});
  auto tuned = vt::tune<vt::lora{.rank = 2}>(base);
  CHECK(tuned.frozen().values.data() == base.frozen().values.data());
  static_assert(vt::trainable_count<decltype(tuned)::module>() == 2 * (2 * 2 * 16 + 2 * 16 * 2));
}
TEST_CASE("eight threads serve from models on one base") {
  const vt::Model<Net> base(vt::seed{1}, {.threads = 1});
  std::unique_ptr<Low> models[] = {trained(base, 1), trained(base, 2), trained(base, 3)};
  const auto images = some_images<Net::input>(2);
  std::vector<std::vector<float>> expected;
  for (const auto& model : models) expected.push_back(logits_of(*model, images));
  CHECK(expected[0] != expected[1]);
  std::vector<int> wrong(8);
  std::vector<std::thread> threads;
  threads.reserve(8);
  for (std::size_t t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      vt::Predictor<vt::Model<Low::module>, vt::detail::CallModel> own[] = {
          vt::Predictor<vt::Model<Low::module>, vt::detail::CallModel>(*models[0]),
          vt::Predictor<vt::Model<Low::module>, vt::detail::CallModel>(*models[1]),
          vt::Predictor<vt::Model<Low::module>, vt::detail::CallModel>(*models[2])};
      for (std::size_t i = 0; i < 30; ++i) {  // each thread in its own order: A, B, A, ...
        const std::size_t m = (i * (t + 1) + t) % 3;
        const auto logits = own[m](images);
        wrong[t] += !std::equal(logits.data(), logits.data() + logits.size(), expected[m].begin());
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(8));
}
TEST_CASE("a base of other names or shapes is refused") {
  constexpr vt::ViTConfig wider{.image = 12, .channels = 1, .patch = 4, .dim = 16, .depth = 3, .heads = 2, .mlp = 48};
  const vt::Model<vt::ViT<wider, 3>> other(vt::seed{1});
  const std::string message = message_of([&] { Low tuned(other.shared_values()); });
  CHECK_THAT(message, contains("the base does not fit"));
  CHECK_THAT(message, contains("blocks.1.mlp.fc1.weight: expected [32, 16], found [48, 16]"));
  CHECK_THAT(message, contains("blocks.2.norm1.weight: in the base, but no parameter of the model"));
  CHECK_THAT(message, !contains("head"));  // a new one
}
TEST_CASE("LoRA+: B learns at a rate of its own") {
  const vt::Model<Net> base(vt::seed{1});
  auto plus = vt::tune<vt::lora{.rank = 2, .b_rate = 16}>(base);
  train(plus, some_images<Net::input>(4), some_labels(4, 3), 1);
  // The first step of Adam is the rate, whatever the gradient, and A has none yet.
  for (const auto& info : plus.trainable().table) {
    const float moved = plus.trainable().values[info.offset];
    if (info.path.ends_with("lora_B.weight")) CHECK(std::abs(moved) == Approx(0.16).epsilon(1e-3));
  }
}
TEST_CASE("a recipe knows what suits a method") {
  const vt::Model<Net> base(vt::seed{1});
  const auto tuned = vt::tune<vt::lora{.rank = 2}, vt::head<5>>(base);
  CHECK(vt::recipe_of(tuned).rate == vt::lora<>::rate);
  CHECK(vt::recipe_of(tuned).weight_decay == 0);
  CHECK(vt::recipe_of(base).rate == vt::Recipe{}.rate);
}
