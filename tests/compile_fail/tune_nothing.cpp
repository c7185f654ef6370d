// expect: error_tune_nothing_would_train<
#include <vitrail/models/vit.hpp>
#include <vitrail/tune/tune.hpp>

namespace vt = vitrail;

constexpr vt::ViTConfig config{.image = 12, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};
using Net = vt::ViT<config, 3>;
struct mine {};  // a site that is nowhere in the model

int main() {
  const vt::Model<Net> base;
#ifdef SHOULD_FAIL
  vt::tune<vt::lora{.on = vt::sites<mine>}>(base);
#else
  vt::tune<vt::lora{.on = vt::sites<mine, vt::site::fc1>}>(base);
#endif
}
