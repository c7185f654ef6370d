// adapters.hpp - the program around fragments of docs/adapters.md: a small ViT as base.
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

constexpr vt::ViTConfig config{.image = 32, .channels = 3, .patch = 8, .dim = 32, .depth = 2, .heads = 4, .mlp = 64};
using Net = vt::ViT<config, 10>;

int main() {
  const vt::Model<Net> base(vt::seed{1});
  // fragment
}
