// peft_parity.hpp - an adapter that Hugging Face's peft has written gives peft's results, and is written as peft has
// it.
#pragma once

#include "catch.hpp"
#include "models/relative_error.hpp"
#include "tune/small_vit.hpp"

#include <vitrail/io/peft.hpp>

#include "io/temporary_folder.hpp"

namespace {

const std::string fixtures = std::string(VITRAIL_TESTS) + "/tune/fixtures/";

// Logits, gradients and merged weights of `Methods` on the base with the adapter in `folder` are those of peft.
template <auto... Methods>
void compare(const std::string& folder, vt::peft_names names) {
  vt::Model<Net> base;
  vt::load_checkpoint(base, fixtures + "base.safetensors");
  auto tuned = vt::tune<Methods...>(base, vt::seed{1});
  vt::load_adapter(tuned, fixtures + folder);

  const auto expected = vt::Safetensors::open(fixtures + folder + "/expected.safetensors");
  const vt::Batch<Net::input> images(std::span<const float>(expected.read<float>("images")));
  const vt::Labels labels(std::span<const int>(expected.read<int>("labels")));
  CHECK(relative_error(logits_of(tuned, images).data(), expected.read<double>("logits")) < 2e-6);
  const auto adapter = vt::detail::describe_adapter(tuned, names);
  auto step = vt::training_step(tuned, [](const auto& net, const auto& x, const auto& y) {
    vt::Var logits = net(x);
    return vt::Step{vt::cross_entropy(logits, y)};
  });
  const auto [loss] = step(images, labels);
  CHECK(std::abs(static_cast<double>(loss) / expected.read<double>("loss")[0] - 1) < 2e-6);
  for (const auto& tensor : adapter.tensors) {
    INFO(tensor.name);
    for (const auto& info : tuned.trainable().table) {
      if (info.path != tensor.parameter) continue;
      // PiSSA: the half that trains.
      const float* found = step.gradients() + info.offset + tensor.first / (tensor.start.empty() ? 1 : 2);
      CHECK(relative_error(found, expected.read<double>("gradient " + tensor.name)) < 1e-5);
    }
  }
  std::size_t merged = 0;
  const auto plain = tuned.merged();
  plain.each_parameter([&](const auto& info, const float* values, bool) {
    INFO(info.path);
    const std::string layer = info.path.substr(0, info.path.rfind('.'));
    if (!info.path.ends_with("attn.qkv.weight")) return;
    const std::string whole = vt::detail::peft_name(layer, names);
    for (std::size_t part = 0; part < 3; ++part) {
      const std::string own = whole.empty() ? vt::detail::peft_name(layer + "." + std::to_string(part), names) : whole;
      if (!expected.find("merged " + own + ".weight")) continue;
      if (!whole.empty() && part > 0) continue;
      const auto weight = expected.read<double>("merged " + own + ".weight");
      CHECK(relative_error(values + (whole.empty() ? part * 16 * 16 : 0), weight) < 1e-6);
      ++merged;
    }
  });
  CHECK(merged == (names == vt::peft_names::own ? 2 : 4));

  // Written and read again, it is the same to the bit; the file holds what trains and nothing else.
  const TemporaryFolder own;
  vt::save_adapter(tuned, own.path, names, "vit_base");
  auto again = vt::tune<Methods...>(base, vt::seed{2});
  vt::load_adapter(again, own.path);
  CHECK(bytes_of(again.trainable().values) == bytes_of(tuned.trainable().values));
  const auto theirs = vt::Safetensors::open(fixtures + folder + "/adapter_model.safetensors");
  const auto ours = vt::Safetensors::open(own.path / "adapter_model.safetensors");
  REQUIRE(ours.tensors().size() == theirs.tensors().size());
  for (const auto& tensor : theirs.tensors()) {
    INFO(tensor.name);
    CHECK(ours.read<float>(tensor.name) == theirs.read<float>(tensor.name));
  }
}

}  // namespace
