// expect: ViT: the image must be divisible by the patch
#include <vitrail/models/vit.hpp>

namespace vt = vitrail;

#ifdef SHOULD_FAIL
constexpr std::size_t image = 13;
#else
constexpr std::size_t image = 12;
#endif
constexpr vt::ViTConfig config{.image = image, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};

int main() { return vt::parameter_count<vt::ViT<config, 3>>() > 0 ? 0 : 1; }
