#include "catch.hpp"
#include <vitrail/vitrail.hpp>
#include <vitrail/nn/policy_serial.hpp>
#include "emulated_gpu.hpp"
namespace vt = vitrail;
constexpr vt::ViTConfig small{.image = 12, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32, .dropout = 0.1};
template <class P> std::vector<float> train(bool graphs) {
  using Net = vt::ViT<small, 3, P>;
  vt::Model<Net> model(vt::seed{1});
  auto step = vt::training_step(model, [](auto& net, auto x, auto labels) {
    vt::Var logits = net(x);
    return vt::Step{vt::cross_entropy(logits, labels), logits};
  });
  step.set_graphs(graphs);
  vt::AdamW optimiser(model, {.rate = 1e-2});
  vt::Batch<typename Net::input, vt::cpu> images(6);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<float>({5, 0, 1}, 0, i);
  const vt::Labels labels{0, 1, 2, 0, 1, 2};
  std::vector<float> r;
  for (int i = 0; i < 5; ++i) {
    auto [loss, logits] = step(images, labels);
    optimiser.update(step);
    r.push_back(loss);
  }
  auto predict = vt::predictor(model);
  auto v = predict(images).to_vector();
  r.insert(r.end(), v.begin(), v.end());
  return r;
}
TEST_CASE("x") {
  auto a = train<vt::serial>(true), b = train<test::emulated_gpu>(false), c = train<test::emulated_gpu>(true);
  for (std::size_t i = 0; i < a.size(); ++i) { CHECK(a[i] == Approx(b[i]).epsilon(1e-4)); CHECK(b[i] == c[i]); }
}
