// lora_step.cu - training steps of ViTs with LoRA and DoRA through nvcc, run on the host. Needs no device.
// test: separate, timeout 300
#include "catch.hpp"

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/models/swin.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/cost.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/train/adamw.hpp>
#include <vitrail/tune/tune.hpp>

#include <algorithm>
#include <cstddef>

namespace vt = vitrail;

namespace {

// Methods are named: nvcc does not take braces within template arguments everywhere.
constexpr vt::lora low{.rank = 8};
constexpr vt::lora fused{.rank = 8, .on = vt::sites<vt::site::qkv>};
constexpr vt::lora magnitude{.rank = 8, .magnitude = true};
template <class M, auto... Methods>
constexpr std::size_t trainable = vt::cost_of<vt::tuned_module<M, Methods...>>(1).trainable;
static_assert(trainable<vt::ViT_B16<>, low> == 294'912);
static_assert(trainable<vt::ViT_B16<>, magnitude> == 313'344);
static_assert(trainable<vt::Swin_T<>, fused> == 141'312);

constexpr vt::ViTConfig config{.image = 12, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};
using Net = vt::ViT<config, 3>;

struct Loss {
  constexpr auto operator()(const auto& net, const auto& x, const auto& labels) const {
    return vt::Step{vt::cross_entropy(net(x), labels)};
  }
};
template <auto... Methods>
void train_and_merge() {
  const vt::Model<Net> base(vt::seed{1}, vt::backend{.threads = 2});
  auto tuned = vt::tune<Methods...>(base, vt::seed{2});
  vt::Batch<Net::input> images(3);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<float>({5, 0, 1}, 0, i);
  const vt::Labels labels{0, 2, 1};
  auto step = vt::training_step(tuned, Loss{});
  step.set_poison(true);
  vt::AdamW optimiser(tuned, {.rate = 1e-2});
  float first = 0, last = 0;
  for (int i = 0; i < 20; ++i) {
    const auto [loss] = step(images, labels);
    optimiser.update(step);
    (i == 0 ? first : last) = loss;
  }
  CHECK(last < first);
  const auto plain = tuned.merged();
  auto of_plain = vt::predictor(plain);
  auto of_tuned = vt::predictor(tuned);
  const auto a = of_plain(images), b = of_tuned(images);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::abs(a.data()[i] - b.data()[i]) < 1e-5);
}

}  // namespace

TEST_CASE("nvcc: DoRA on queries and values") { train_and_merge<magnitude>(); }
