// pissa_start.cpp - PiSSA starts where peft's does (fixtures/make_pissa.py), and is written as a LoRA of twice the
// rank.
#include "tune/peft_parity.hpp"

#include "io/messages.hpp"

namespace {

namespace site = vt::site;

constexpr vt::lora on_timm{.rank = 3, .alpha = 6, .on = vt::sites<site::qkv, site::proj>, .init = vt::lora_init::pissa};
constexpr vt::lora on_transformers{.rank = 2, .alpha = 3, .init = vt::lora_init::pissa};

// s B0 A0 of each layer, which does not depend on the signs of singular vectors, are peft's.
template <auto Method>
void compare_starts(const std::string& folder, vt::peft_names names) {
  vt::Model<Net> base;
  vt::load_checkpoint(base, fixtures + "base.safetensors");
  const auto tuned = vt::tune<Method>(base);
  const auto expected = vt::Safetensors::open(fixtures + folder + "/expected.safetensors");
  std::size_t compared = 0;
  for (const auto& layer : vt::lora_layers(tuned.net())) {
    const float *a = nullptr, *b = nullptr;
    tuned.each_parameter([&](const auto& info, const float* values, bool) {
      if (info.path == layer.path + ".lora_A.start") a = values;
      if (info.path == layer.path + ".lora_B.start") b = values;
    });
    const std::size_t width = layer.out / layer.where.count;
    for (std::size_t part = 0, q = 0; part < layer.where.count; ++part) {
      if (!layer.where.has(part)) continue;
      const std::string whole = vt::detail::peft_name(layer.path, names);
      const std::string name =
          whole.empty() ? vt::detail::peft_name(layer.path + "." + std::to_string(part), names) : whole;
      INFO(name);
      std::vector<double> product(width * layer.in);
      for (std::size_t i = 0; i < width; ++i) {
        for (std::size_t j = 0; j < layer.in; ++j) {
          for (std::size_t k = 0; k < layer.rank; ++k) {
            product[i * layer.in + j] += Method.scale() * static_cast<double>(b[(q * width + i) * layer.rank + k]) *
                                         static_cast<double>(a[(q * layer.rank + k) * layer.in + j]);
          }
        }
      }
      CHECK(relative_error(product.data(), expected.read<double>("start " + name)) < 1e-6);
      ++q, ++compared;
    }
  }
  CHECK(compared == 4);
}

}  // namespace

TEST_CASE("PiSSA takes out of each weight what peft's does") {
  compare_starts<on_timm>("pissa_timm", vt::peft_names::own);
  compare_starts<on_transformers>("pissa_transformers", vt::peft_names::transformers);
}
TEST_CASE("what is written of a PiSSA is a LoRA of twice the rank on the original weights") {
  vt::Model<Net> base;
  vt::load_checkpoint(base, fixtures + "base.safetensors");
  auto tuned = vt::tune<on_transformers, vt::head<>>(base, vt::seed{1});
  const auto images = some_images<Net::input>(4);
  train(tuned, images, some_labels(4, 3), 3);
  const TemporaryFolder folder;
  vt::save_adapter(tuned, folder.path);
  auto whole = vt::tune<vt::lora{.rank = 8, .alpha = 12, .on = vt::sites<site::qkv>}, vt::head<>>(base);
  vt::load_adapter(whole, folder.path);
  CHECK(difference(logits_of(whole, images), logits_of(tuned, images)) < 1e-5);
  auto again = vt::tune<on_transformers, vt::head<>>(base, vt::seed{2});
  vt::load_adapter(again, folder.path);
  CHECK(logits_of(again, images) == logits_of(tuned, images));

  // Another LoRA of that rank is no PiSSA.
  auto parts = vt::tune<vt::lora{.rank = 4, .alpha = 6}, vt::head<>>(base, vt::seed{3});
  vt::save_adapter(parts, folder.path);
  const Bytes before = bytes_of(again.trainable().values), starts = bytes_of(again.statistics().values);
  CHECK_THAT(message_of([&] { vt::load_adapter(again, folder.path); }),
             contains("blocks.0.attn.qkv: expected the second half of the rank to be the principal part"));
  CHECK(bytes_of(again.trainable().values) == before);
  CHECK(bytes_of(again.statistics().values) == starts);
}
