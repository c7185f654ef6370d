// training.hpp - the program around fragments of docs/training.md: a small ViT, its data, and a step.
#include <filesystem>
#include <iostream>
#include <sstream>
#include <string>
#include <vitrail/io/training_checkpoint.hpp>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

constexpr vt::ViTConfig config{.image = 32, .channels = 3, .patch = 8, .dim = 16, .depth = 4, .heads = 2, .mlp = 32};
template <class P = vt::cpu>
using Net = vt::ViT<config, 10, P>;

int main() {
  vt::Model<Net<>> model(vt::seed{1});
  const vt::ImageSet set = vt::drawn_shapes(1, 48);
  vt::Batches<Net<>::input, vt::cpu> batches(set, vt::normalisation_of(set), 16);
  vt::Batch<Net<>::input> images;
  vt::Labels labels;
  batches.load(0, images, labels);
  const auto loss_of = [](const auto& net, const auto& x, const auto& y) {
    vt::Var logits = net(x);
    return vt::Step{vt::cross_entropy(logits, y), logits};
  };
  auto step = vt::training_step(model, loss_of);
  vt::AdamW optimiser(model);
  step(images, labels);
  // fragment
}
