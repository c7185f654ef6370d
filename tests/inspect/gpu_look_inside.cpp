// gpu_look_inside.cpp - what is looked at on the emulated GPU is what is seen on the host: tokens, attention of whole
// sequences, with a pooling query and in shifted windows, from images of either's memory.
#include "catch.hpp"

#include <vitrail/inspect/rollout.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/to.hpp>
#include <vitrail/nn/window_attention.hpp>

#include <cstddef>
#include <vector>

#include "emulated_gpu.hpp"

namespace vt = vitrail;

namespace {

constexpr vt::ViTConfig config{.image = 8,
                               .channels = 1,
                               .patch = 4,
                               .dim = 8,
                               .depth = 2,
                               .heads = 2,
                               .mlp = 12,
                               .pool = vt::pooling::attention,
                               .norm = vt::norm_place::after};
template <class P>
using Net = vt::ViT<config, 3, P>;

// Attention in shifted windows of 2 x 2 tokens, with a bias and two keys that are in every window.
template <class P>
struct Windowed : vt::Module<Windowed<P>> {
  using policy = P;
  using input = vt::Shape<16, 6>;
  vt::Param<vt::Shape<2, 6>, P, vt::site::prompt, vt::initial::normal<std::ratio<1>>> keys;
  vt::WindowAttention<6, 2, vt::WindowedMap{4, 4, 2, true}, P> attn;
  static constexpr void visit(auto& self, auto&& f) {
    f("keys", self.keys);
    f("attn", self.attn);
  }
  constexpr auto forward(const auto& x) const {
    return attn(x, vt::KeysOnly{vt::as_var(vt::detail::context_of(x), keys)});
  }
};

template <class Net>
vt::Batch<typename Net::input> images_for() {
  vt::Batch<typename Net::input> images(2);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<float>({5, 0, 0}, 0, i);
  return images;
}
void check_same(const std::vector<vt::Seen<float>>& found, const std::vector<vt::Seen<float>>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO(expected[i].path);
    CHECK(found[i].path == expected[i].path);
    CHECK((found[i].shape == expected[i].shape));
    REQUIRE(found[i].values.size() == expected[i].values.size());
    for (std::size_t k = 0; k < found[i].values.size(); ++k) {
      REQUIRE(found[i].values[k] == Approx(expected[i].values[k]).epsilon(1e-4).margin(1e-5));
    }
  }
}
// From images in the host's memory, in the device's, and with kernels that run as late as they may.
template <template <class> class Net>
vt::Inside<float> check_on_device() {
  using Gpu = test::emulated_gpu;
  const vt::Model<Net<vt::cpu>> host(vt::seed{3});
  const vt::Model<Net<Gpu>> model(vt::seed{3});
  const auto images = images_for<Net<vt::cpu>>();
  const auto expected = vt::look_inside(host, images);
  const auto found = vt::look_inside(model, images);
  check_same(found.hidden, expected.hidden);
  check_same(found.attention, expected.attention);
  check_same({found.result}, {expected.result});
  const auto same = [&](const vt::Inside<float>& again) {
    for (std::size_t i = 0; i < again.attention.size(); ++i) {
      CHECK((again.attention[i].values == found.attention[i].values));
    }
    CHECK((again.result.values == found.result.values));
  };
  same(vt::look_inside(model, vt::to<Gpu>(images)));
  const test::CopiesAhead order;
  same(vt::look_inside(model, images));
  return found;
}

}  // namespace

TEST_CASE("a ViT on the device is looked into, and its attention rolled out") {
  const auto seen = check_on_device<Net>();
  CHECK(seen.hidden.size() == 2);
  CHECK(seen.attention.size() == 3);
  CHECK(vt::rollout(seen).tokens == 5);
}
TEST_CASE("attention in windows with further keys is seen on the device") {
  const auto seen = check_on_device<Windowed>();
  REQUIRE(seen.attention.size() == 1);
  CHECK((seen.attention[0].shape == std::vector<std::size_t>{2, 16, 18}));
}
TEST_CASE("what lies as bf16 in a step is seen in float") {
  const vt::Model<Net<test::emulated_gpu>> whole(vt::seed{3});
  const vt::Model<Net<test::emulated_gpu_bf16>> mixed(vt::seed{3});
  const auto images = images_for<Net<vt::cpu>>();
  CHECK((vt::look_inside(mixed, images).result.values == vt::look_inside(whole, images).result.values));
}
TEST_CASE("one image that is on the device") {
  using Gpu = test::emulated_gpu;
  const vt::Model<Net<Gpu>> model(vt::seed{3});
  const auto images = images_for<Net<Gpu>>();
  const std::vector<float> values = images.to_vector();
  const vt::Tensor<Net<Gpu>::input, Gpu> first{std::span(values).first(Net<Gpu>::input::size)};
  const auto both = vt::look_inside(model, images), one = vt::look_inside(model, first);
  CHECK(one.result.values.size() == 3);
  CHECK((one.result.values == std::vector<float>(both.result.of(0).begin(), both.result.of(0).end())));
}
