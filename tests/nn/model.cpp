// model.cpp - a model's storage: names, shapes, what trains, where it starts, and replacing all of it or nothing.
#include <cmath>
#include <map>

#include "catch.hpp"
#include "vitrail/models/vit.hpp"
#include "vitrail/nn/cost.hpp"
#include "vitrail/nn/model.hpp"
#include "vitrail/nn/policy_serial.hpp"

namespace vt = vitrail;

namespace {
constexpr vt::ViTConfig tiny{.image = 8, .channels = 1, .patch = 4, .dim = 8, .depth = 2, .heads = 2, .mlp = 16};
template <class P>
using Net = vt::ViT<tiny, 3, P>;
using Probe = vt::with_tuning<vt::serial, vt::train_only<vt::site::head>>;
using Frozen = vt::with_tuning<vt::serial, vt::freeze_all>;
}  // namespace

TEST_CASE("paths and shapes are those of timm's state dict") {
  vt::Model<Net<vt::serial>> model(vt::seed{1});
  std::vector<std::string> paths;
  model.each_parameter([&](const vt::ParameterInfo& info, const float*, bool) { paths.push_back(info.path); });
  REQUIRE(paths.size() == 4 + 2 * 12 + 4);
  CHECK(paths[0] == "patch_embed.proj.weight");
  CHECK(paths[2] == "cls_token");
  CHECK(paths[3] == "pos_embed");
  CHECK(paths[6] == "blocks.0.attn.qkv.weight");
  CHECK(paths[27] == "blocks.1.mlp.fc2.bias");
  CHECK(paths[28] == "norm.weight");
  CHECK(paths[31] == "head.bias");
  CHECK(model.trainable().table[0].shape == std::vector<std::size_t>{8, 1, 4, 4});
  CHECK(model.trainable().table[3].shape == std::vector<std::size_t>{1, 5, 8});
}

TEST_CASE("weights decay; vectors, class token and positions do not") {
  vt::Model<Net<vt::serial>> model;
  for (const auto& info : model.trainable().table) {
    const bool weight = info.path.ends_with("weight") && info.path.find("norm") == std::string::npos;
    CHECK(info.decays == weight);
  }
}

TEST_CASE("what trains is part of the type, and has a place of its own") {
  static_assert(vt::trainable_count<Net<vt::serial>>() == vt::parameter_count<Net<vt::serial>>());
  static_assert(vt::trainable_count<Net<Probe>>() == 3 * 8 + 3 && vt::trainable_count<Net<Frozen>>() == 0);
  // A probe's backward is that of the head's weight, and nothing else.
  static_assert(vt::cost_of<Net<Probe>>(5).backward_flops == 5 * 2 * 8 * 3);
  static_assert(vt::cost_of<Net<Frozen>>(5).backward_flops == 0);
  vt::Model<Net<Probe>> probe;
  CHECK(probe.trainable().table.size() == 2);
  CHECK(probe.frozen().table.size() == 30);
  CHECK(sizeof(probe.net()) <= 33 * 16);
}

TEST_CASE("initial values follow from seed and name, whatever trains and whatever backend") {
  vt::Model<Net<vt::serial>> a(vt::seed{4}), b(vt::seed{5});
  vt::Model<Net<Probe>> probe(vt::seed{4});
  vt::Model<Net<vt::serial_double>> wide(vt::seed{4});
  std::map<std::string, std::vector<float>> values;
  a.each_parameter([&](const auto& i, const float* v, bool) { values[i.path] = {v, v + i.size}; });
  probe.each_parameter(
      [&](const auto& i, const float* v, bool) { CHECK(values[i.path] == std::vector<float>(v, v + i.size)); });
  wide.each_parameter(
      [&](const auto& i, const double* v, bool) { CHECK(values[i.path] == std::vector<float>(v, v + i.size)); });
  b.each_parameter([&](const auto& i, const float* v, bool) {
    const bool random = i.shape.size() > 1 || i.path.starts_with("patch_embed");
    CHECK((values[i.path] != std::vector<float>(v, v + i.size)) == random);
  });
  CHECK(values["norm.weight"] == std::vector<float>(8, 1));
  CHECK(values["head.bias"] == std::vector<float>(3, 0));
  double squares = 0;
  for (const float x : values["blocks.0.attn.qkv.weight"]) squares += double(x) * x;
  CHECK(std::sqrt(squares / (24 * 8)) == Approx(0.02).epsilon(0.15));
}

TEST_CASE("assign replaces all values, or none when it throws") {
  vt::Model<Net<Probe>> model(vt::seed{1});
  auto sum = [&] {
    double s = 0;
    model.each_parameter([&](const auto& i, const float* v, bool) {
      for (std::size_t k = 0; k < i.size; ++k) s += std::abs(double(v[k]));
    });
    return s;
  };
  const double before = sum();
  const auto version = model.version();
  CHECK_THROWS(model.assign([&](const auto& info, float* to) {
    if (info.path == "head.bias") throw vt::error("no more");
    std::fill(to, to + info.size, 0.0f);
  }));
  CHECK(sum() == before);
  CHECK(model.version() == version);
  model.assign([](const auto& info, float* to) { std::fill(to, to + info.size, 2.0f); });
  CHECK(sum() == 2.0 * vt::parameter_count<Net<Probe>>());
  CHECK(model.version() != version);
}

namespace {
struct Twice : vt::Module<Twice> {
  using policy = vt::serial;
  using input = vt::Shape<4>;
  vt::Linear<4, 4, vt::serial> a, b;
  static constexpr void visit(auto& self, auto&& f) { f("x", self.a), f("x", self.b); }
};
}  // namespace
TEST_CASE("two parameters of one name are refused") {
  CHECK_THROWS_WITH(vt::Model<Twice>(), "Model: two parameters are named x.weight");
}
