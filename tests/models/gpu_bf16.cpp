// gpu_bf16.cpp - what a policy with values of samples in bf16 is for: less memory; and what stays float. That models
// train with it is in gpu_vit.cpp, gpu_swin.cpp and gpu_cnn.cpp.
#include "catch.hpp"

#include <vitrail/vitrail.hpp>

#include <type_traits>
#include <vector>

#include "emulated_gpu.hpp"

namespace vt = vitrail;

namespace {
using Mixed = test::emulated_gpu_bf16;
constexpr vt::ViTConfig small{.image = 16, .channels = 1, .patch = 4, .dim = 64, .depth = 4, .heads = 4, .mlp = 128};
template <class P>
using Net = vt::ViT<small, 10, P>;

// In a step of Mixed, of what there is for each sample and of what there is once.
using Context = vt::Tape<Mixed, true>;
static_assert(std::is_same_v<vt::Var<vt::Shape<4>, true, true, Context>::stored, vt::bf16>);
static_assert(std::is_same_v<vt::Var<vt::Shape<4>, false, true, Context>::stored, float>);
static_assert(std::is_same_v<vt::Model<Net<Mixed>>::value, float>);
// The control: without `stored` all are values.
static_assert(std::is_same_v<vt::Var<vt::Shape<4>, true, true, vt::Tape<test::emulated_gpu, true>>::stored, float>);
}  // namespace

TEST_CASE("activations in bf16 take half of the memory") {
  constexpr auto bytes = vt::arena_bytes<Net<test::emulated_gpu>>(64), mixed = vt::arena_bytes<Net<Mixed>>(64);
  CHECK(static_cast<double>(mixed) < 0.55 * static_cast<double>(bytes));
  CHECK(static_cast<double>(mixed) > 0.45 * static_cast<double>(bytes));
}
TEST_CASE("tensors and batches outside of a step are floats") {
  const vt::Batch<vt::Shape<2, 2>, Mixed> x(std::vector<float>{1.001f, 2, 3, 4});
  const vt::Batch<vt::Shape<2, 2>, Mixed> doubled = x * 2.0;
  CHECK((doubled.to_vector() == std::vector<float>{2.002f, 4, 6, 8}));
  const vt::Batch<vt::Shape<2>, Mixed> sums = vt::sum<1>(x);
  CHECK((sums.to_vector() == std::vector<float>{1.001f + 2, 7}));
}
TEST_CASE("a predictor's rounded weights are those of the model, also when it is replayed") {
  vt::Model<Net<Mixed>> model(vt::seed{1});
  vt::Batch<Net<Mixed>::input> images(2);
  for (std::size_t k = 0; k < images.size(); ++k) images.data()[k] = vt::normal_at<float>({5, 0, 0}, 0, k);
  auto predict = vt::predictor(model);
  for (int i = 0; i < 5; ++i) (void)predict(images);  // recorded by now
  const auto before = predict(images).to_vector();
  CHECK((vt::predict(model, images).to_vector() == before));
  model.assign_trainable([](const vt::ParameterInfo& info, float* to) {
    for (std::size_t i = 0; i < info.size; ++i) to[i] *= 1.5f;
  });
  const auto after = predict(images).to_vector();
  CHECK((after != before));
  CHECK((vt::predict(model, images).to_vector() == after));
}
