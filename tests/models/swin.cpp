// swin.cpp - Swin and Swin v2: parameters of the named variants, and training with the same bits for any number of
// threads.
#include "catch.hpp"

#include <vitrail/models/swin.hpp>
#include <vitrail/nn/cost.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/train/adamw.hpp>

namespace vt = vitrail;

namespace {

// timm's parameters (T, S and B are torchvision's num_params too).
template <class M, std::size_t Parameters>
constexpr bool has_parameters = vt::parameter_count<M>() == Parameters;
static_assert(has_parameters<vt::Swin_T<>, 28'288'354>);
static_assert(has_parameters<vt::Swin_S<>, 49'606'258>);
static_assert(has_parameters<vt::Swin_B<>, 87'768'224>);
static_assert(has_parameters<vt::Swin_B_384<>, 87'903'584>);
static_assert(has_parameters<vt::Swin_L<>, 196'532'476>);
static_assert(has_parameters<vt::Swin_L_384<>, 196'735'516>);
static_assert(has_parameters<vt::SwinV2_T<>, 28'347'154>);
static_assert(has_parameters<vt::SwinV2_S<>, 49'728'418>);
static_assert(has_parameters<vt::SwinV2_B<>, 87'918'816>);
static_assert(has_parameters<vt::SwinV2_L<>, 196'739'932>);
// The multiply-adds of products, attention's two included, in millions.
static_assert((vt::cost_of<vt::Swin_T<>>(1).multiply_adds + 500'000) / 1'000'000 == 4'491);

// The small ones have at least 2 x 2 windows in a stage that shifts them.
template <vt::SwinConfig C>
constexpr bool shifts = C.map(0, true).windows().count() >= 4 && C.map(0, true).windows().shifted();
static_assert(shifts<vt::swin_28> && shifts<vt::swin_32>);

constexpr vt::SwinConfig tiny{.image = 16,
                              .channels = 1,
                              .patch = 2,
                              .dim = 6,
                              .window = 4,
                              .mlp_ratio = 2,
                              .depths = {2, 1, 0, 0},
                              .heads = {2, 3, 0, 0},
                              .dropout = 0.1,
                              .drop_path = 0.2};

struct Loss {
  constexpr auto operator()(const auto& net, const auto& x, const auto& labels) const {
    return vt::Step{vt::cross_entropy(net(x), labels)};
  }
};
std::vector<float> trained(int threads) {
  using Net = vt::Swin<tiny, 5>;
  vt::Model<Net> model(vt::seed{3}, vt::backend{.threads = threads});
  vt::Batch<Net::input, vt::cpu> images(5);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<float>({5, 0, 0}, 0, i);
  auto step = vt::training_step(model, Loss{});
  step.set_poison(true);
  vt::AdamW optimiser(model, {.rate = 1e-2});
  std::vector<float> values;
  for (int i = 0; i < 3; ++i) {
    const auto [loss] = step(images, vt::Labels{0, 1, 2, 3, 4});
    optimiser.update(step);
    values.push_back(loss);
  }
  model.each_parameter([&](const auto& info, const float* v, bool) { values.insert(values.end(), v, v + info.size); });
  return values;
}

}  // namespace

TEST_CASE("training a Swin gives the same bits for any number of threads") {
  const std::vector<float> one = trained(1);
  CHECK(one[2] < one[0]);
  CHECK((trained(2) == one));
  CHECK((trained(3) == one));
}

TEST_CASE("every parameter of a Swin moves") {
  const vt::Model<vt::Swin<tiny, 5>> model(vt::seed{3});
  const std::vector<float> after = trained(1);
  auto at = after.begin() + 3;
  model.each_parameter([&](const auto& info, const float* before, bool) {
    INFO(info.path);
    CHECK(!std::equal(before, before + info.size, at));
    at += static_cast<std::ptrdiff_t>(info.size);
  });
}
