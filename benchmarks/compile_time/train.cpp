// train.cpp - the smallest program that trains and evaluates a ViT.
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

constexpr vt::ViTConfig config{.image = 32, .channels = 3, .patch = 4, .dim = 64, .depth = 4, .heads = 4, .mlp = 128};

int main() {
  using Net = vt::ViT<config, 10>;
  const vt::ImageSet train = vt::drawn_shapes(1, 256);
  vt::Model<Net> model(vt::seed{1});
  vt::Batches<Net::input, vt::cpu> batches(train, vt::normalisation_of(train), 64);
  vt::fit(model, batches, {.epochs = 1});
  auto predict = vt::predictor(model);
  return vt::evaluate(predict, batches).samples == 256 ? 0 : 1;
}
