// vit_options.cu - the options of a ViT, and looking inside one, through nvcc. Needs no device.
// test: separate, timeout 300
#include "catch.hpp"

#include <vitrail/autodiff/step.hpp>
#include <vitrail/backend/philox.hpp>
#include <vitrail/inspect/rollout.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/train/adamw.hpp>
#include <vitrail/train/distillation.hpp>

#include <cstddef>

#include "models/vit_options.hpp"

namespace vt = vitrail;

namespace {

// Layer scale, qk-norm and registers; pooling by attention; two heads, with a teacher's labels.
template <vt::ViTConfig C, class Objective = options::Loss>
void train(const vt::Labels& labels = {0, 1, 2, 0, 1, 2}) {
  using Net = vt::ViT<C, 3>;
  vt::Model<Net> model(vt::seed{1}, vt::backend{.threads = 2});
  auto step = vt::training_step(model, Objective{});
  vt::AdamW optimiser(model, {.rate = 1e-2});
  vt::Batch<typename Net::input> images(6);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<float>({5, 0, 1}, 0, i);
  step.set_poison(true);
  float first = 0, last = 0;
  for (int i = 0; i < 10; ++i) {
    last = std::get<0>(step(images, labels));
    if (i == 0) first = last;
    optimiser.update(step);
  }
  CHECK(last < 0.95f * first);
  const auto inside = vt::look_inside(model, images);
  CHECK(inside.hidden.size() == 2);
  CHECK(vt::rollout(inside).tokens == 4 + C.prefix());
}

}  // namespace

TEST_CASE("a ViT's options that nvcc compiled train, and can be looked into") {
  train<options::registers>();
  train<options::map>();
  train<options::distilled, vt::HardDistillation>({0, 1, 1, 1, 2, 1, 0, 1, 1, 1, 2, 1});
}
