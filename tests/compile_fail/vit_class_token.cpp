// expect: ViT: pooling the class token needs a class token
#include <vitrail/models/vit.hpp>

namespace vt = vitrail;

constexpr vt::ViTConfig config = [] {
  vt::ViTConfig c{.image = 12, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};
  c.class_token = false;
#ifndef SHOULD_FAIL
  c.pool = vt::pooling::mean;
#endif
  return c;
}();

int main() { return vt::parameter_count<vt::ViT<config, 3>>() > 0 ? 0 : 1; }
