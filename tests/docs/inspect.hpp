// inspect.hpp - the program around fragments of docs/inspect.md: a small ViT and images.
#include <iostream>
#include <span>
#include <vitrail/inspect/dependence.hpp>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

constexpr vt::ViTConfig config{.image = 32, .channels = 3, .patch = 8, .dim = 32, .depth = 2, .heads = 4, .mlp = 64};
using Net = vt::ViT<config, 10>;

int main() {
  vt::Model<Net> model(vt::seed{1});
  const vt::ImageSet set = vt::drawn_shapes(1, 2);
  vt::Batches<Net::input, vt::cpu> batches(set, vt::normalisation_of(set), 2);
  vt::Batch<Net::input> images;
  vt::Labels labels;
  batches.load(0, images, labels);
  // fragment
}
