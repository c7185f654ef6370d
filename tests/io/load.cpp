// load.cpp - files of other libraries, element types, heads and image sizes; a model that is made from a file.
#include <bit>
#include <cstdint>
#include <map>

#include "catch.hpp"
#include "io/messages.hpp"
#include "io/temporary_folder.hpp"
#include "vitrail/io/checkpoint.hpp"
#include "vitrail/models/vit.hpp"
#include "vitrail/nn/model.hpp"
#include "vitrail/nn/policy_serial.hpp"

namespace vt = vitrail;

namespace {

constexpr vt::ViTConfig tiny{.image = 8, .channels = 1, .patch = 4, .dim = 8, .depth = 1, .heads = 2, .mlp = 16};
constexpr vt::ViTConfig larger{.image = 12, .channels = 1, .patch = 4, .dim = 8, .depth = 1, .heads = 2, .mlp = 16};
using Net = vt::ViT<tiny, 3, vt::serial>;
using Backbone = vt::ViTBackbone<tiny, vt::serial>;

// A file in memory: a test takes one of a model's, changes it, and writes it.
struct Tensors {
  struct Values {
    std::vector<std::size_t> shape;
    std::vector<float> values;
  };
  std::map<std::string, Values> all;

  template <class M>
  explicit Tensors(const M& model) {
    model.each_parameter([&](const auto& info, const auto* v, bool) {
      all[info.path] = {info.shape, {v, v + info.size}};
    });
  }
  void rename(const std::string& from, const std::string& to) {
    auto node = all.extract(from);
    REQUIRE_FALSE(node.empty());
    node.key() = to;
    all.insert(std::move(node));
  }
  // Rows of "blocks.0.attn.qkv" as a tensor of their own.
  void take_rows(const std::string& kind, std::size_t group, const std::string& to) {
    const Values& fused = all.at("blocks.0.attn.qkv." + kind);
    const auto size = static_cast<std::ptrdiff_t>(fused.values.size() / 3), begin = size * std::ptrdiff_t(group);
    Values part{fused.shape, {fused.values.begin() + begin, fused.values.begin() + begin + size}};
    part.shape[0] /= 3;
    all[to + "." + kind] = part;
  }
  void write(const std::filesystem::path& path, vt::dtype type = vt::dtype::f32) const {
    std::vector<vt::TensorToWrite> tensors;
    std::vector<std::vector<std::uint16_t>> halves;
    for (const auto& [name, t] : all) {
      const void* data = t.values.data();
      if (type != vt::dtype::f32 && type != vt::dtype::f16) {
        auto& half = halves.emplace_back();
        for (const float x : t.values)
          half.push_back(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(x) >> 16));
        data = half.data();
      } else if (type == vt::dtype::f16) {
        auto& half = halves.emplace_back();
        for (const float x : t.values) {
          const std::uint32_t bits = std::bit_cast<std::uint32_t>(x), sign = bits >> 16 & 0x8000u;
          const std::uint32_t exponent = bits >> 23 & 255u, fraction = bits >> 13 & 1023u;
          half.push_back(static_cast<std::uint16_t>(exponent < 113 ? sign : sign | (exponent - 112) << 10 | fraction));
        }
        data = half.data();
      }
      tensors.push_back({name, type, t.shape, data});
    }
    vt::write_safetensors(path, tensors);
  }
};

template <class M>
std::map<std::string, std::vector<float>> values_of(const M& model) {
  std::map<std::string, std::vector<float>> all;
  model.each_parameter([&](const auto& info, const auto* v, bool) { all[info.path] = {v, v + info.size}; });
  return all;
}
Tensors as_hugging_face(const vt::Model<Net>& model) {
  Tensors file(model);
  const std::string layer = "vit.encoder.layer.0.";
  for (const std::string kind : {"weight", "bias"}) {
    for (std::size_t i = 0; i < 3; ++i) {
      const char* parts[] = {"query", "key", "value"};
      file.take_rows(kind, i, layer + "attention.attention." + parts[i]);
    }
    file.all.erase("blocks.0.attn.qkv." + kind);
    const std::map<std::string, std::string> renamed{{"norm1", layer + "layernorm_before"},
                                                     {"norm2", layer + "layernorm_after"},
                                                     {"attn.proj", layer + "attention.output.dense"},
                                                     {"mlp.fc1", layer + "intermediate.dense"},
                                                     {"mlp.fc2", layer + "output.dense"}};
    for (const auto& [from, to] : renamed) file.rename("blocks.0." + from + "." + kind, to + "." + kind);
    file.rename("norm." + kind, "vit.layernorm." + kind);
    file.rename("head." + kind, "classifier." + kind);
    file.rename("patch_embed.proj." + kind, "vit.embeddings.patch_embeddings.projection." + kind);
  }
  file.rename("cls_token", "vit.embeddings.cls_token");
  file.rename("pos_embed", "vit.embeddings.position_embeddings");
  return file;
}

}  // namespace

TEST_CASE("a model is made from a file of Hugging Face, with the parts of q, k and v in one weight") {
  const TemporaryFolder folder;
  const auto path = folder / "hf.safetensors";
  const vt::Model<Net> source(vt::seed{1});
  Tensors file = as_hugging_face(source);
  file.write(path);
  const auto model = vt::load<Net>(path, {.keys = vt::hf});
  CHECK(values_of(model) == values_of(source));
  vt::Model<Net> other(vt::seed{2});
  vt::load_checkpoint(other, path, {.keys = vt::hf});
  CHECK(values_of(other) == values_of(source));

  CHECK_THAT(message_of([&] { vt::load<Net>(path); }), contains("'cls_token': expected [1, 1, 8], not in the file") &&
                                                           contains("'vit.layernorm.bias': in the file"));
  const std::string key = "vit.encoder.layer.0.attention.attention.key.weight";
  file.write(path, vt::dtype::u16);
  CHECK_THAT(message_of([&] { vt::load<Net>(path, {.keys = vt::hf}); }),
             contains("'cls_token': expected a floating-point dtype, found U16"));
  file.all[key].shape = {4, 16};
  file.all["vit.extra"] = {{1}, {1}};
  file.write(path);
  CHECK_THAT(message_of([&] { vt::load<Net>(path, {.keys = vt::hf}); }),
             contains("'blocks.0.attn.qkv.weight': expected [8, 8], found [4, 16] in '" + key + "'") &&
                 contains("'vit.extra': in the file, but no name that hf uses"));
  file.all.erase(key);
  file.write(path);
  CHECK_THAT(message_of([&] { vt::load<Net>(path, {.keys = vt::hf}); }),
             contains("'blocks.0.attn.qkv.weight': expected each part of its rows once"));
}

TEST_CASE("half types come as the numbers that they are") {
  const TemporaryFolder folder;
  const vt::Model<Net> source(vt::seed{1});
  for (const vt::dtype type : {vt::dtype::bf16, vt::dtype::f16}) {
    INFO(vt::dtype_name(type));
    const auto path = folder / "half.safetensors";
    Tensors(source).write(path, type);
    const auto model = vt::load<Net>(path);
    const auto file = vt::Safetensors::open(path);
    double worst = 0;
    const auto exact = values_of(source);
    for (const auto& [name, values] : values_of(model)) {
      CHECK(values == file.read<float>(name));
      for (std::size_t i = 0; i < values.size(); ++i)
        worst = std::max(worst, std::abs(double(values[i] - exact.at(name)[i])) / (std::abs(exact.at(name)[i]) + 1e-2));
    }
    CHECK(worst < 0.01);
    CHECK(worst > 0);
  }
}

TEST_CASE("a head for other classes is refused, or the model keeps its own") {
  const TemporaryFolder folder;
  const auto path = folder / "five.safetensors";
  const vt::Model<vt::ViT<tiny, 5, vt::serial>> five(vt::seed{1});
  vt::save_checkpoint(five, path);
  CHECK_THAT(message_of([&] { vt::load<Net>(path); }),
             contains("'head.weight': expected [3, 8], found [5, 8]") && contains("head_policy::keep"));
  CHECK_THAT(message_of([&] { vt::load<Backbone>(path); }),
             contains("'head.bias': in the file, but no parameter of the model") && contains("head_policy::keep"));
  const vt::LoadOptions keep{.head = vt::head_policy::keep};
  const auto fresh = values_of(vt::Model<Net>(vt::seed{7})), body = values_of(five);
  const auto loaded = values_of(vt::load<Net>(path, keep, vt::seed{7}));
  vt::Model<Net> into(vt::seed{7});
  vt::load_checkpoint(into, path, keep);
  CHECK(values_of(into) == loaded);
  for (const auto& [name, values] : loaded) CHECK(values == (name.starts_with("head.") ? fresh : body).at(name));
  CHECK(values_of(vt::load<Backbone>(path, keep)).size() == body.size() - 2);

  vt::save_checkpoint(vt::Model<Backbone>(vt::seed{1}), path);
  CHECK_THAT(message_of([&] { vt::load<Net>(path); }), contains("'head.weight': expected [3, 8], not in the file"));
  CHECK(values_of(vt::load<Net>(path, keep, vt::seed{7})).at("head.weight") == fresh.at("head.weight"));
}

TEST_CASE("positions of another image size are refused, or resampled") {
  const TemporaryFolder folder;
  const auto path = folder / "small.safetensors";
  const vt::Model<Net> source(vt::seed{1});
  vt::save_checkpoint(source, path);
  using Larger = vt::ViT<larger, 3, vt::serial>;
  CHECK_THAT(message_of([&] { vt::load<Larger>(path); }),
             contains("'pos_embed': expected [1, 10, 8], found [1, 5, 8]") && contains("position_policy::resample"));
  const auto found = values_of(vt::load<Larger>(path, {.positions = vt::position_policy::resample})).at("pos_embed");
  const auto from = values_of(source).at("pos_embed");
  CHECK(std::equal(from.begin(), from.begin() + 8, found.begin()));  // the class token's
  std::vector<float> expected(found.size());
  vt::resample_positions(std::span(from), 1, 8, std::span(expected));
  CHECK(found == expected);
}

TEST_CASE("what throws while a model is made or filled leaves nothing behind") {
  const TemporaryFolder folder;
  const auto path = folder / "cut.safetensors";
  const vt::Model<Net> source(vt::seed{1});
  vt::save_checkpoint(source, path);
  int calls = 0;
  const auto fails = [&](const vt::ParameterInfo&, float*) -> bool {
    return ++calls < 4 ? false : throw vt::io_error("here");
  };
  CHECK(message_of([&] { vt::Model<Net> model(fails); }) == "here");
  CHECK(calls == 4);
  vt::Model<Net> model(vt::seed{2});
  const auto before = values_of(model);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  CHECK_THROWS_AS(vt::load_checkpoint(model, path), vt::io_error);
  CHECK(values_of(model) == before);
}
