// gpu_inside.cu - looking into a ViT on vt::gpu, a classifier with a head of run-time size and evaluation there: they
// compile and link for the device, and give the host's numbers.
// test: separate, timeout 300
#include "cuda/gpu_training.hpp"

#include <vitrail/inspect/look_inside.hpp>
#include <vitrail/models/runtime_classifier.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/policy_gpu.hpp>
#include <vitrail/train/fit.hpp>

namespace vt = vitrail;

namespace {
constexpr vt::ViTConfig small{.image = 12, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};
using Images = vt::Batch<vt::Shape<1, 12, 12>, vt::cpu>;

Images some_images(std::uint32_t site) {
  Images images(4);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<float>({5, 0, site}, 0, i);
  return images;
}
struct ThreeBatches {
  std::size_t count() const { return 3; }
  void load(std::size_t i, Images& images, vt::Labels& labels) const {
    images = some_images(static_cast<std::uint32_t>(i));
    labels = {0, 1, 2, 0};
  }
};
template <class P>
std::vector<float> numbers() {
  const vt::Model<vt::ViT<small, 3, P>> model(vt::seed{1}, vt::backend{.threads = 2});
  const auto seen = vt::look_inside(model, some_images(7));
  std::vector<float> all = seen.result.values;
  for (const auto* values : {&seen.hidden, &seen.attention}) {
    for (const auto& one : *values) all.insert(all.end(), one.values.begin(), one.values.end());
  }
  vt::RuntimeClassifier<vt::ViTBackbone<small, P>> classify(5, [](const vt::ParameterInfo& info, float* to) {
    const vt::RandomStream stream{3, 0, vt::site_of(info.path)};
    for (std::size_t i = 0; i < info.size; ++i) to[i] = 0.3f * vt::normal_at<float>(stream, 0, i);
    return true;
  });
  const auto logits = classify(some_images(7));
  all.insert(all.end(), logits.begin(), logits.end());
  auto predict = vt::predictor(model);
  const vt::Accuracy accuracy = vt::evaluate(predict, ThreeBatches{});
  all.push_back(static_cast<float>(accuracy.top1));
  return all;
}
}  // namespace

TEST_CASE("what is seen, found and counted on the GPU is what the host has") {
  const std::vector<float> host = numbers<vt::cpu>();
  CHECK(host.size() == 4 * (3 + 2 * 10 * 16 + 2 * 2 * 10 * 10 + 5) + 1);
  if (!test::device_is_there()) {
    WARN("skipped on the GPU: there is none");
    return;
  }
  const std::vector<float> device = numbers<vt::gpu>(), mixed = numbers<vt::gpu_bf16>();
  REQUIRE(device.size() == host.size());
  REQUIRE(mixed.size() == host.size());
  for (std::size_t i = 0; i < host.size(); ++i) {
    INFO("number " << i);
    CHECK(device[i] == Approx(host[i]).epsilon(1e-3).margin(1e-3));
    if (i + 1 < host.size()) CHECK(mixed[i] == Approx(host[i]).epsilon(0.1).margin(0.1));
  }
}
