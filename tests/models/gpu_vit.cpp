// gpu_vit.cpp - a ViT on the emulated GPU trains and predicts as on the host; recorded steps give the bits of eager
// ones.
#include <vitrail/nn/to.hpp>

#include <sstream>

#include "gpu_models.hpp"

namespace vt = vitrail;

namespace {
constexpr vt::ViTConfig small{.image = 12,
                              .channels = 1,
                              .patch = 4,
                              .dim = 16,
                              .depth = 2,
                              .heads = 2,
                              .mlp = 32,
                              .dropout = 0.1,
                              .drop_path = 0.1};
template <class P>
using Net = vt::ViT<small, 3, P>;
using Gpu = vt::Model<Net<test::emulated_gpu>>;
}  // namespace

TEST_CASE("a ViT on the emulated GPU trains as on the host") { test::check_family<Net>(); }

TEST_CASE("a step in parts, and labels that do not fit, on the emulated GPU") {
  Gpu model(vt::seed{1});
  auto step = vt::training_step(
      model, [](auto& net, auto x, auto labels) { return vt::Step{vt::cross_entropy(net(x), labels)}; });
  vt::Batch<Net<vt::cpu>::input, vt::cpu> images(4);
  for (std::size_t k = 0; k < images.size(); ++k) images.data()[k] = vt::normal_at<float>({5, 0, 1}, 0, k);
  const vt::Labels labels{0, 1, 2, 0};
  for (int i = 0; i < 3; ++i) {
    const auto [whole] = step(images, labels);
    step.set_steps(0);
    CHECK(step.in_parts(images, labels, 2) == Approx(whole).epsilon(1e-5));
    step.set_steps(0);
    // Also of a step that is recorded by now.
    CHECK_THROWS_WITH(step(images, vt::Labels{0, 1, 3, 0}), Catch::Contains("label 3 of sample 2 is not in [0, 3)"));
  }
}
TEST_CASE("values go to the emulated GPU and back") {
  const vt::Tensor<vt::Shape<2, 3>> host{1, 2, 3, 4, 5, 6};
  const auto device = vt::to<test::emulated_gpu>(host);
  CHECK((device.to_vector() == host.to_vector()));
  CHECK((vt::to<vt::cpu>(device).to_vector() == host.to_vector()));
  const vt::Tensor<vt::Shape<2, 3>, test::emulated_gpu> doubled = device * 2.0;
  CHECK((doubled.to_vector() == std::vector<float>{2, 4, 6, 8, 10, 12}));
  std::ostringstream text;
  text << device;
  CHECK(text.str() == "[[1, 2, 3],\n [4, 5, 6]]");
}
