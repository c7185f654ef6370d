// gpu_memory.cpp - what does not fit a device's memory is said before any of it is taken; what is recorded in vain
// leaves nothing behind.
#include "catch.hpp"

#include <vitrail/backend/planned_memory.hpp>
#include <vitrail/train/adamw.hpp>
#include <vitrail/train/ema.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "emulated_gpu.hpp"
#include "net.hpp"

namespace vt = vitrail;

namespace {

using Model = vt::Model<Net<test::emulated_gpu>>;

// What f throws while so many bytes are free; "" if it does not. Nothing may be left on the device.
template <class F>
std::string refused(std::size_t free, const F& f) {
  const test::FreeMemory memory(free);
  try {
    f();
  } catch (const vt::error& e) {
    CHECK(test::FreeMemory::now() == free);
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("bytes are spelled as people read them") {
  CHECK(vt::detail::spelled_bytes(1023) == "1023 bytes");
  CHECK(vt::detail::spelled_bytes(1536) == "1.5 KiB");
  CHECK(vt::detail::spelled_bytes(std::size_t(79) << 30) == "79.0 GiB");
}
TEST_CASE("a plan that does not fit names the device, the parts and what would fit") {
  const vt::MemoryBytes memory{1000, 4096};
  CHECK_NOTHROW(vt::detail::check_planned("step", 0, memory, {{"arena", 100, 90}}, 10));
  CHECK_THROWS_WITH(vt::detail::check_planned("step", 2, memory, {{"arena", 100, 80}, {"images", 0, 10}}, 11),
                    "step of 11 samples: device 2 has 1000 bytes of 4.0 KiB free, but 1.1 KiB are needed (arena 980 "
                    "bytes, images 110 bytes); 10 samples would fit");
  CHECK_THROWS_WITH(vt::detail::check_planned("step", 0, memory, {{"arena", 2000, 1}}, 1),
                    Catch::Contains("; 0 samples would fit"));
  CHECK_THROWS_WITH(vt::detail::check_planned("AdamW", 0, memory, {{"moments", 2048}}),
                    "AdamW: device 0 has 1000 bytes of 4.0 KiB free, but 2.0 KiB are needed (moments 2.0 KiB)");
  // More than a size_t counts.
  CHECK_THROWS_WITH(vt::detail::check_planned("step", 0, memory, {{"arena", 8, 16}}, ~std::size_t(0) / 8),
                    Catch::Contains("; 62 samples would fit"));
}
TEST_CASE("a model, a step, moments and an average that do not fit say so and take nothing") {
  CHECK_THAT(refused(100, [] { Model model(vt::seed{1}); }),
             Catch::StartsWith("Model: device 0 has 100 bytes of ") && Catch::Contains("(trainable parameters "));
  Model model(vt::seed{1});
  CHECK_THAT(refused(100, [&] { vt::training_step(model, NetLoss{}); }),
             Catch::StartsWith("training step: device 0 has 100 bytes of ") && Catch::Contains("(gradients "));
  CHECK_THAT(refused(100, [&] { vt::AdamW optimiser(model); }),
             Catch::StartsWith("AdamW: ") && Catch::Contains("(moments "));
  CHECK_THAT(refused(100, [&] { vt::Ema average(model, 0.9); }),
             Catch::StartsWith("Ema: ") && Catch::Contains("(average "));
}
TEST_CASE("new values of a model need no memory of the device but for frozen ones, which others may share") {
  const auto twos = [](const auto& info, float* to) { std::fill_n(to, info.size, 2.0f); };
  const auto first_weight = [](const auto& model) {
    return vt::detail::value_on_host<vt::cuda::EmulatedMemory>(model.net().hidden.weight.data);
  };
  Model trained(vt::seed{1});
  CHECK(refused(0, [&] { trained.assign(twos); }).empty());
  CHECK(first_weight(trained) == 2);
  CHECK(refused(0, [&] { trained.assign_trainable([](const auto&, float* to) { *to = 3; }); }).empty());
  CHECK(first_weight(trained) == 3);
  CHECK_THAT(refused(100, [&] { (void)trained.shared_values(); }),
             Catch::StartsWith("Model::shared_values: device 0 has 100 bytes of "));

  using FewTrain = vt::with_tuning<test::emulated_gpu, vt::train_only<vt::site::norm>>;
  vt::Model<Net<FewTrain>> frozen(vt::seed{1});
  const float before = first_weight(frozen);
  CHECK_THAT(refused(100, [&] { frozen.assign(twos); }),
             Catch::StartsWith("Model::assign: device 0 has 100 bytes of ") && Catch::Contains("(frozen parameters "));
  CHECK(first_weight(frozen) == before);
  CHECK(refused(0, [&] { frozen.assign_trainable(twos); }).empty());
  frozen.assign(twos);
  CHECK(first_weight(frozen) == 2);
}
TEST_CASE("a batch that does not fit leaves the step as it was; a smaller one works") {
  Model model(vt::seed{1}), other(vt::seed{1});
  auto step = vt::training_step(model, NetLoss{});
  auto undisturbed = vt::training_step(other, NetLoss{});
  const auto train = [](auto& s, std::size_t count) {
    const auto [loss, logits] = s(net_batch<vt::cpu>(count), net_labels(count));
    return loss;
  };
  CHECK(train(step, 4) == train(undisturbed, 4));
  const std::string message = refused(4096, [&] { train(step, 64); });
  CHECK_THAT(message, Catch::StartsWith("training step of 64 samples: device 0 has ") && Catch::Contains("(arena ") &&
                          Catch::Contains(", samples and labels ") && Catch::EndsWith(" samples would fit"));
  CHECK(step.steps() == 1);
  // As many as it says, and not one more.
  const std::size_t most = std::stoul(message.substr(message.find("; ") + 2));
  CHECK(most > 4);
  std::vector<float> expected;
  for (int i = 0; i < 3; ++i) {
    expected.push_back(train(undisturbed, most));
    expected.push_back(train(undisturbed, 4));
  }
  const test::FreeMemory memory(4096);
  CHECK_THROWS_WITH(train(step, most + 1), Catch::Contains("; " + std::to_string(most) + " samples would fit"));
  std::vector<float> found;
  for (int i = 0; i < 3; ++i) {
    found.push_back(train(step, most));
    found.push_back(train(step, 4));
  }
  CHECK((found == expected));
}
TEST_CASE("a predictor's batch that does not fit") {
  Model model(vt::seed{1});
  auto predict = vt::predictor(model);
  const auto some = predict(net_batch<vt::cpu>(2)).to_vector();
  CHECK_THAT(refused(64, [&] { predict(net_batch<vt::cpu>(500)); }),
             Catch::StartsWith("predictor of 500 samples: device 0 has "));
  CHECK((predict(net_batch<vt::cpu>(2)).to_vector() == some));
}
TEST_CASE("labels are checked in every step, whatever an earlier one threw") {
  Model model(vt::seed{1});
  auto step = vt::training_step(model, NetLoss{});
  const auto good = net_batch<vt::cpu>(2), other = net_batch<vt::cpu>(3);
  // The first step with two samples is eager, the others recorded, one for each set of buffers.
  for (int i = 0; i < 5; ++i) {
    CHECK_THROWS_WITH(step(good, vt::Labels{0, 3}), Catch::Contains("label 3 of sample 1"));
    CHECK_NOTHROW(step(good, vt::Labels{0, 2}));
    CHECK_THROWS_WITH(step(other, vt::Labels{3, 0, 0}), Catch::Contains("label 3 of sample 0"));
    CHECK_THROWS_WITH(step(good, vt::Labels{5, 0}), Catch::Contains("label 5 of sample 0"));
  }
}
