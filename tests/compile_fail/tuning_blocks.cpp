// expect: error_tuning_names_more_blocks_than_there_are<3, 2>
#include <vitrail/models/vit.hpp>

namespace vt = vitrail;

constexpr vt::ViTConfig config{.image = 12, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};
#ifdef SHOULD_FAIL
using Tune = vt::train_last<3>;
#else
using Tune = vt::train_last<2>;
#endif

int main() { return vt::parameter_count<vt::ViT<config, 3, vt::with_tuning<vt::cpu, Tune>>>() > 0 ? 0 : 1; }
