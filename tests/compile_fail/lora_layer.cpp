// expect: error_lora_wraps_something_else_than_a_linear_layer<
// expect: LayerNorm<
#include <vitrail/nn/layer_norm.hpp>
#include <vitrail/tune/lora.hpp>

namespace vt = vitrail;

#ifdef SHOULD_FAIL
using Layer = vt::Lora<vt::LayerNorm<8>, vt::lora{.rank = 1}>;
#else
using Layer = vt::Lora<vt::LinearWithoutBias<8, 4>, vt::lora{.rank = 1}>;
#endif

int main() { return vt::parameter_count<Layer>() == 8 * 4 + 8 + 4 ? 0 : 1; }
