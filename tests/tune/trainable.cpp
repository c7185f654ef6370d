// trainable.cpp - what trains of a tuned model comes back from a file, whatever the method; nothing of the base is in
// it.
#include "vitrail/io/trainable.hpp"

#include "catch.hpp"
#include "io/messages.hpp"
#include "io/temporary_folder.hpp"
#include "tune/small_vit.hpp"

namespace {

template <class Model>
Bytes trainable_bytes(const Model& model) {
  return bytes_of(model.trainable().values);
}

}  // namespace

TEST_CASE("adapters and a head come back to the bit, and only they are in the file") {
  const TemporaryFolder folder;
  const vt::Model<Net> base(vt::seed{3});
  auto tuned = vt::tune<vt::pfeiffer{.reduction = 4}, vt::head<5>>(base, vt::seed{1});
  for (float* x = tuned.trainable().values.data(); x != tuned.trainable().values.data() + tuned.trainable().size(); ++x)
    *x += 0.25f;
  vt::save_trainable(tuned, folder / "a.safetensors", {{"method", "pfeiffer"}});
  const auto file = vt::Safetensors::open(folder / "a.safetensors");
  CHECK(file.tensors().size() == tuned.trainable().table.size());
  CHECK(file.metadata().at("method") == "pfeiffer");

  auto again = vt::tune<vt::pfeiffer{.reduction = 4}, vt::head<5>>(base, vt::seed{2});
  const auto version = again.version();
  vt::load_trainable(again, folder / "a.safetensors");
  CHECK(again.version() != version);
  for (const auto& info : tuned.trainable().table) {
    INFO(info.path);
    const float* values = tuned.trainable().values.data() + info.offset;
    CHECK(std::equal(values, values + info.size, again.trainable().values.data() + info.offset));
  }
}

TEST_CASE("a file of another method is refused with every name, and the model stays") {
  const TemporaryFolder folder;
  const vt::Model<Net> base(vt::seed{3});
  vt::save_trainable(vt::tune<vt::train<vt::site::norm>, vt::head<5>>(base), folder / "norms.safetensors");
  auto tuned = vt::tune<vt::train<vt::site::norm>, vt::head<4>>(base, vt::seed{1});
  const Bytes before = trainable_bytes(tuned);
  CHECK_THAT(message_of([&] { vt::load_trainable(tuned, folder / "norms.safetensors"); }),
             contains("norms.safetensors: the file does not fit") &&
                 contains("head.weight': expected [4, 16], found [5, 16]"));
  auto biases = vt::tune<vt::train<vt::site::bias>>(base);
  CHECK_THAT(message_of([&] { vt::load_trainable(biases, folder / "norms.safetensors"); }),
             contains("qkv.bias': expected [48], not in the file") &&
                 contains("norm1.weight': in the file, but no trainable parameter"));
  CHECK(trainable_bytes(tuned) == before);
}
