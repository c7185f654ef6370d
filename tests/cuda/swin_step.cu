// swin_step.cu - a training step of Swin v2 through nvcc, run on the host. Needs no device.
// test: separate, timeout 300
#include "catch.hpp"

#include <vitrail/autodiff/step.hpp>
#include <vitrail/backend/philox.hpp>
#include <vitrail/models/swin.hpp>
#include <vitrail/nn/cost.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/tensor/tensor.hpp>
#include <vitrail/train/adamw.hpp>

#include <cstddef>
#include <vector>

namespace vt = vitrail;

namespace {

template <class Model, std::size_t Parameters>
constexpr bool has_parameters = vt::cost_of<Model>(1).parameters == Parameters;
static_assert(has_parameters<vt::Swin_T<>, 28'288'354>);
static_assert(has_parameters<vt::Swin_B_384<>, 87'903'584>);
static_assert(has_parameters<vt::SwinV2_T<>, 28'347'154>);

constexpr vt::SwinConfig tiny{.image = 16,
                              .channels = 1,
                              .patch = 2,
                              .dim = 6,
                              .window = 4,
                              .mlp_ratio = 2,
                              .depths = {2, 1, 0, 0},
                              .heads = {2, 3, 0, 0}};
constexpr vt::SwinConfig tiny_v2 = [] {
  vt::SwinConfig config = tiny;
  config.v2 = true;
  return config;
}();

struct LogitLoss {
  constexpr auto operator()(const auto& net, const auto& x, const auto& labels) const {
    return vt::Step{vt::cross_entropy(net(x), labels)};
  }
};
// The first loss and the last.
template <class Net, class Loss>
std::pair<float, float> train(const Loss& loss_of, const vt::Labels& labels) {
  vt::Model<Net> model(vt::seed{1}, vt::backend{.threads = 2});
  auto step = vt::training_step(model, loss_of);
  step.set_poison(true);
  vt::AdamW optimiser(model, {.rate = 1e-2});
  vt::Batch<typename Net::input> images(2);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<float>({5, 0, 1}, 0, i);
  std::pair<float, float> losses;
  for (int i = 0; i < 10; ++i) {
    const auto [loss] = step(images, labels);
    optimiser.update(step);
    (i == 0 ? losses.first : losses.second) = loss;
  }
  return losses;
}

}  // namespace

TEST_CASE("a Swin v2 that nvcc compiled trains on the host") {
  const auto v2 = train<vt::Swin<tiny_v2, 3>>(LogitLoss{}, {0, 2});
  CHECK(v2.second < 0.9f * v2.first);
}
