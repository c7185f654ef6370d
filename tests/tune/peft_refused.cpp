// peft_refused.cpp - adapters of parts of a fused layer, and adapters of another tuning: refused with a reason.
#include "catch.hpp"
#include "tune/small_vit.hpp"

#include <vitrail/io/peft.hpp>

#include "io/messages.hpp"
#include "io/temporary_folder.hpp"

namespace {

namespace site = vt::site;

const std::string fixtures = std::string(VITRAIL_TESTS) + "/tune/fixtures/";

}  // namespace

TEST_CASE("parts of a fused layer as one LoRA of timm's") {
  const vt::Model<Net> base(vt::seed{1});
  auto tuned = vt::tune<vt::lora{.rank = 2, .alpha = 3}, vt::head<5>>(base);
  const auto images = some_images<Net::input>(2);
  train(tuned, images, some_labels(2, 5), 3);
  const TemporaryFolder folder;
  vt::save_adapter(tuned, folder.path);
  const auto file = vt::Safetensors::open(folder / "adapter_model.safetensors");
  const auto up = file.read<float>("base_model.model.blocks.0.attn.qkv.lora_B.weight");
  REQUIRE(up.size() == 48 * 4);
  for (std::size_t i = 16 * 4; i < 32 * 4; ++i) CHECK(up[i] == 0);  // keys
  // Read as one of four times the rank, it computes the same.
  auto whole = vt::tune<vt::lora{.rank = 4, .alpha = 6, .on = vt::sites<site::qkv>}, vt::head<5>>(base);
  vt::load_adapter(whole, folder.path);
  CHECK(difference(logits_of(whole, images), logits_of(tuned, images)) < 1e-6);
  auto again = vt::tune<vt::lora{.rank = 2, .alpha = 3}, vt::head<5>>(base);
  vt::load_adapter(again, folder.path);
  CHECK(bytes_of(again.trainable().values) == bytes_of(tuned.trainable().values));
  // The other way, there is more in such a matrix than in two.
  train(whole, images, some_labels(2, 5), 1);
  vt::save_adapter(whole, folder.path);
  const Bytes before = bytes_of(again.trainable().values);
  CHECK_THAT(message_of([&] { vt::load_adapter(again, folder.path); }), contains("expected zeros"));
  CHECK(bytes_of(again.trainable().values) == before);
  CHECK_THAT(message_of([&] { vt::save_adapter(whole, folder.path, vt::peft_names::transformers); }),
             contains("blocks.0.attn.qkv: has no counterpart in transformers' ViT"));
}
TEST_CASE("an adapter of another tuning is refused, and says why") {
  const vt::Model<Net> base(vt::seed{1});
  const auto refusal = [&](auto tuned_of, const std::string& folder) {
    auto tuned = tuned_of();
    const Bytes before = bytes_of(tuned.trainable().values);
    const std::string message = message_of([&] { vt::load_adapter(tuned, fixtures + folder); });
    CHECK(bytes_of(tuned.trainable().values) == before);
    return message;
  };
  const auto with_rank = [&] {
    return vt::tune<vt::lora{.rank = 8, .alpha = 12, .on = vt::sites<site::qkv>}, vt::head<>>(base);
  };
  const std::string rank = refusal(with_rank, "lora_timm");
  CHECK_THAT(rank, contains("lora_timm/adapter_config.json: the adapter is of another tuning:"));
  CHECK_THAT(rank, contains("r of blocks.0.attn.qkv: expected 8, found 4"));
  const auto with_alpha = [&] {
    return vt::tune<vt::lora{.rank = 4, .alpha = 4, .on = vt::sites<site::qkv, site::proj>}, vt::head<>>(base);
  };
  CHECK_THAT(refusal(with_alpha, "lora_timm"),
             contains("lora_alpha of blocks.0.attn.qkv: expected 4 (a scale of 1), found 6 (1.5)"));
  const auto elsewhere = [&] {
    return vt::tune<vt::lora{.rank = 4, .alpha = 6, .on = vt::sites<site::fc1>}, vt::head<5>>(base);
  };
  const std::string target = refusal(elsewhere, "lora_timm");
  CHECK_THAT(target, contains("lora_timm/adapter_model.safetensors: the adapter does not fit the model:"));
  CHECK_THAT(target, contains("'base_model.model.blocks.0.mlp.fc1.lora_A.weight': expected [4, 16], not in the file"));
  CHECK_THAT(target, contains("'base_model.model.head.weight': expected [5, 16], found [3, 16]"));
  CHECK_THAT(target, contains("lora_A.weight': in the file, but no parameter of the tuned model"));
  const auto no_magnitude = [&] {
    return vt::tune<vt::lora{.rank = 2, .alpha = 3, .rank_stabilised = true}, vt::head<>>(base);
  };
  CHECK_THAT(refusal(no_magnitude, "dora_transformers"), contains("use_dora: expected false, found true"));
  CHECK_THAT(refusal(no_magnitude, "nowhere"), contains("nowhere/adapter_config.json: cannot be opened"));
}
