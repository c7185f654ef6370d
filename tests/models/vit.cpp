// vit.cpp - the Vision Transformer: parameters of the named variants, gradients of tiny ones in double.
// test: optimised
#include "catch.hpp"

#include <vitrail/autodiff/gradient_check.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/cost.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/ops/cross_entropy.hpp>

namespace vt = vitrail;

namespace {

// timm's parameters (B/16, B/32, L/16, L/32 and H/14 are torchvision's num_params too) and the published multiply-adds
// with attention's two products, in millions (torchvision's _ops).
template <class M, std::size_t Parameters, std::size_t MegaMultiplyAdds>
constexpr bool has_cost = [] {
  constexpr vt::Cost cost = vt::cost_of<M>(1);
  return cost.parameters == Parameters && cost.trainable == Parameters &&
         (cost.multiply_adds + 500'000) / 1'000'000 == MegaMultiplyAdds;
}();
template <vt::ViTConfig C>
constexpr vt::ViTConfig whole = [] {
  vt::ViTConfig c = C;
  c.whole_last_block = true;
  return c;
}();
template <vt::ViTConfig C, std::size_t Parameters, std::size_t MegaMultiplyAdds>
constexpr bool is_published = has_cost<vt::ViT<whole<C>, 1000>, Parameters, MegaMultiplyAdds>;
static_assert(is_published<vt::vit_tiny_patch16_224, 5'717'416, 1'254>);
static_assert(is_published<vt::vit_small_patch32_224, 22'878'952, 1'143>);
static_assert(is_published<vt::vit_small_patch16_224, 22'050'664, 4'599>);
static_assert(is_published<vt::vit_base_patch32_224, 88'224'232, 4'409>);
static_assert(is_published<vt::vit_base_patch16_224, 86'567'656, 17'564>);
static_assert(is_published<vt::vit_base_patch16_384, 86'859'496, 55'484>);
static_assert(is_published<vt::vit_base_patch8_224, 86'576'872, 78'148>);
static_assert(is_published<vt::vit_large_patch32_224, 306'535'400, 15'378>);
static_assert(is_published<vt::vit_large_patch16_224, 304'326'632, 61'555>);
static_assert(is_published<vt::vit_large_patch14_224, 304'203'752, 81'013>);
static_assert(is_published<vt::vit_huge_patch14_224, 632'045'800, 167'295>);
// The last block computes the class token alone: of its 12 N D^2 + 2 N^2 D multiply-adds, 3 N D^2 + 9 D^2 + 2 N D are
// left. Parameters are the same.
static_assert(has_cost<vt::ViT_B16<>, 86'567'656, 16'464>);
static_assert(vt::cost_of<vt::ViT<whole<vt::vit_base_patch16_224>, 1000>>(1).multiply_adds -
                  vt::cost_of<vt::ViT_B16<>>(1).multiply_adds ==
              196 * (9 * 768 * 768 + 2 * 197 * 768));
static_assert(has_cost<vt::DeiT_Ti16_distilled<>, 5'910'800, 1'181>);
static_assert(has_cost<vt::DeiT_S16_distilled<>, 22'436'432, 4'334>);
static_assert(has_cost<vt::DeiT_B16_distilled<>, 87'338'192, 16'557>);
// Without the head.
static_assert(vt::parameter_count<vt::ViTBackbone<vt::vit_base_patch16_224>>() == 85'798'656);
static_assert(vt::parameter_count<vt::ViTBackbone<vt::vit_huge_patch14_224>>() == 630'764'800);

// Depth 3, so that drop path has three rates; 2 heads of 5 channels; 3 x 3 patches of an odd number of pixels.
constexpr vt::ViTConfig tiny{.image = 9, .channels = 2, .patch = 3, .dim = 10, .depth = 3, .heads = 2, .mlp = 14};
constexpr vt::ViTConfig dropping = [] {
  vt::ViTConfig c = tiny;
  c.pool = vt::pooling::mean;
  c.dropout = 0.1;
  c.drop_path = 0.3;
  return c;
}();

constexpr vt::ViTConfig scaling = [] {
  vt::ViTConfig c = dropping;
  c.pool = vt::pooling::token;
  c.init_values = 0.7;
  return c;
}();

template <vt::ViTConfig C>
void check_gradients() {
  using Net = vt::ViT<C, 5, vt::cpu_double>;
  vt::Model<Net> model(vt::seed{7});
  // Initial values are so small that attention is nearly uniform, biases are zero and norms one: nothing may hide
  // behind that.
  auto& values = model.trainable().values;
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += 0.3 * vt::normal_at<double>({1, 0, 0}, 0, i);
  vt::Batch<typename Net::input, vt::cpu_double> images(3);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<double>({2, 0, 0}, 0, i);
  const auto loss = [](const auto& net, const auto& x, const auto& labels) {
    return vt::Step{vt::cross_entropy(net(x), labels, {.label_smoothing = 0.1})};
  };
  const auto check = vt::gradient_check(model, loss, images.view(), vt::Labels{4, 0, 2}, {.most = 60});
  INFO(check);
  CHECK(check.entries.size() == 3 * (C.init_values > 0 ? 14 : 12) + 8);
  CHECK(check.worst() < 1e-6);
  for (const auto& entry : check.entries) {
    INFO(entry.name);
    CHECK(entry.norm > 1e-4);
  }
}

}  // namespace

TEST_CASE("gradients of a ViT with the class token") { check_gradients<tiny>(); }
TEST_CASE("gradients of a ViT that averages, with dropout and drop path") { check_gradients<dropping>(); }
TEST_CASE("gradients of a ViT with the class token, layer scale, dropout and drop path") { check_gradients<scaling>(); }
