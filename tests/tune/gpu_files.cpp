// gpu_files.cpp - what trains of a model on the emulated GPU goes to a file and comes back, there and on the host: all
// that trains, an adapter of peft, a PiSSA with the matrices that it started with.
#include "catch.hpp"
#include "tune/small_vit.hpp"

#include <vitrail/io/checkpoint.hpp>
#include <vitrail/io/peft.hpp>
#include <vitrail/io/trainable.hpp>

#include "emulated_gpu.hpp"
#include "io/messages.hpp"
#include "io/temporary_folder.hpp"

namespace {

constexpr vt::ViTConfig one_block{.image = 8, .channels = 1, .patch = 4, .dim = 8, .depth = 1, .heads = 2, .mlp = 8};
template <class P>
using Small = vt::ViT<one_block, 3, P>;
using Gpu = test::emulated_gpu;

template <class Model>
std::vector<float> trainable_of(const Model& model) {
  const auto& values = model.trainable().values;
  return vt::detail::vector_of<typename Model::Memory>(values.data(), values.size());
}
// Every trainable value other than at the start.
template <class Model>
void change(Model& model) {
  model.assign_trainable([](const auto& info, float* to) {
    for (std::size_t i = 0; i < info.size; ++i) to[i] += 0.01f * static_cast<float>(i % 7 + 1);
  });
}
template <class Model>
std::vector<float> statistics_of(const Model& model) {
  const auto& values = model.statistics().values;
  return vt::detail::vector_of<typename Model::Memory>(values.data(), values.size());
}
// A tuned model on the device comes back there, and on the host, from what save(model) wrote and load(model) reads.
template <auto Method, class Save, class Load>
void there_and_back(const Save& save, const Load& load) {
  const auto images = some_images<Small<vt::cpu>::input>(2);
  const vt::Model<Small<Gpu>> base(vt::seed{3});
  const vt::Model<Small<vt::cpu>> host_base(vt::seed{3});
  auto tuned = vt::tune<Method, vt::head<5>>(base, vt::seed{1});
  change(tuned);
  save(tuned);
  auto again = vt::tune<Method, vt::head<5>>(base, vt::seed{2});
  load(again);
  CHECK((trainable_of(again) == trainable_of(tuned)));
  CHECK((logits_of(again, images) == logits_of(tuned, images)));
  auto host = vt::tune<Method, vt::head<5>>(host_base, vt::seed{2});
  load(host);
  CHECK((trainable_of(host) == trainable_of(tuned)));
  CHECK((statistics_of(host) == statistics_of(tuned)));
}

}  // namespace

TEST_CASE("what trains on the device as a file, and a file of another model") {
  const TemporaryFolder folder;
  const auto path = folder / "adapters.safetensors";
  there_and_back<vt::pfeiffer{.reduction = 4}>([&](const auto& model) { vt::save_trainable(model, path); },
                                               [&](auto& model) { vt::load_trainable(model, path); });
  const vt::Model<Small<Gpu>> base(vt::seed{3});
  auto other = vt::tune<vt::pfeiffer{.reduction = 4}, vt::head<4>>(base);
  const auto before = trainable_of(other);
  CHECK_THAT(message_of([&] { vt::load_trainable(other, path); }), contains("expected [4, 8], found [5, 8]"));
  CHECK((trainable_of(other) == before));
}
TEST_CASE("a PiSSA on the device as an adapter of peft and as a checkpoint, and its merged weights") {
  constexpr vt::lora pissa{.rank = 2, .alpha = 3, .init = vt::lora_init::pissa};
  const TemporaryFolder folder;
  there_and_back<pissa>([&](const auto& model) { vt::save_adapter(model, folder.path); },
                        [&](auto& model) { vt::load_adapter(model, folder.path); });
  const vt::Model<Small<Gpu>> base(vt::seed{3});
  auto tuned = vt::tune<pissa, vt::head<5>>(base, vt::seed{1});
  change(tuned);
  const auto images = some_images<Small<vt::cpu>::input>(2);
  CHECK(difference(logits_of(vt::merged(tuned), images), logits_of(tuned, images)) < 1e-5);
  // A checkpoint's values of what starts from the weight are no start.
  const auto path = folder / "whole.safetensors";
  vt::save_checkpoint(tuned, path);
  const auto whole = vt::load<decltype(tuned)::module>(path);
  CHECK((trainable_of(whole) == trainable_of(tuned)));
  CHECK((logits_of(whole, images) == logits_of(tuned, images)));
}
