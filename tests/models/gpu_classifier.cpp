// gpu_classifier.cpp - a classifier with a head of run-time size on the emulated GPU, from a file and from images of
// either's memory: the static model's logits on the host.
#include "catch.hpp"

#include <vitrail/io/checkpoint.hpp>
#include <vitrail/io/load_classifier.hpp>
#include <vitrail/models/runtime_classifier.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/to.hpp>

#include <span>
#include <vector>

#include "emulated_gpu.hpp"
#include "io/messages.hpp"
#include "io/temporary_folder.hpp"

namespace vt = vitrail;

namespace {

using Gpu = test::emulated_gpu;
constexpr vt::ViTConfig tiny{.image = 8, .channels = 1, .patch = 4, .dim = 8, .depth = 1, .heads = 2, .mlp = 8};
constexpr vt::ViTConfig two_heads = [] {
  vt::ViTConfig c = tiny;
  c.distilled = true;
  return c;
}();

template <vt::ViTConfig C, class P = Gpu>
void check_classifier(double tolerance = 1e-4) {
  using Net = vt::ViT<C, 11>;
  const TemporaryFolder folder;
  const auto path = folder / "model.safetensors";
  vt::Model<Net> model(vt::seed{3});
  model.assign([](const auto& info, float* to) {
    const vt::RandomStream stream{5, 0, vt::site_of(info.path)};
    for (std::size_t i = 0; i < info.size; ++i) to[i] = vt::normal_at<float>(stream, 0, i);
  });
  vt::save_checkpoint(model, path);
  vt::Batch<typename Net::input> images(3);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<float>({7, 0, 0}, 0, i);
  auto predict = vt::predictor(model);
  const std::vector<float> expected = predict(images).to_vector();

  auto classify = vt::load_classifier<vt::ViTBackbone<C, P>>(path);
  CHECK(classify.classes() == 11);
  const auto check = [&](std::span<const float> found, std::size_t count) {
    REQUIRE(found.size() == count * 11);
    for (std::size_t i = 0; i < found.size(); ++i)
      CHECK(found[i] == Approx(expected[i]).epsilon(tolerance).margin(tolerance));
  };
  check(classify(images), 3);
  check(classify(vt::to<Gpu>(images)), 3);
  images.resize(1);
  check(classify(images), 1);
  images.resize(3);
  for (int i = 0; i < 5; ++i) {  // and replayed
    const test::CopiesAhead order(i % 2 == 1);
    check(classify(images), 3);
  }
}

}  // namespace

TEST_CASE("a classifier from a file runs on the device") { check_classifier<tiny>(); }
TEST_CASE("of two heads the mean counts there, too") { check_classifier<two_heads>(); }
TEST_CASE("a head reads features that lie as bf16") { check_classifier<tiny, test::emulated_gpu_bf16>(0.1); }
TEST_CASE("a head that does not fit the device says so") {
  using Classifier = vt::RuntimeClassifier<vt::ViTBackbone<tiny, Gpu>>;
  const auto zeros = [](const auto&, float*) { return false; };
  const test::FreeMemory memory(1 << 16);
  CHECK_THAT(message_of([&] { Classifier(1 << 20, zeros); }),
             Catch::StartsWith("RuntimeClassifier: device 0 has ") && contains("(heads 36.0 MiB)"));
  CHECK(test::FreeMemory::now() == 1 << 16);
}
