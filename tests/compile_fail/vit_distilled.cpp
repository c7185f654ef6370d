// expect: ViT: the two heads of a distilled one read the class and the distilled token
#include <vitrail/models/vit.hpp>

namespace vt = vitrail;

constexpr vt::ViTConfig config = [] {
  vt::ViTConfig c{.image = 12, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};
  c.distilled = true;
#ifdef SHOULD_FAIL
  c.reg_tokens = 2;
#endif
  return c;
}();

int main() { return vt::parameter_count<vt::ViT<config, 3>>() > 0 ? 0 : 1; }
