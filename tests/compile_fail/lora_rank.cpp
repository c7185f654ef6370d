// expect: error_lora_rank_is_zero<8, 4>
#include <vitrail/tune/lora.hpp>

namespace vt = vitrail;

#ifdef SHOULD_FAIL
using Layer = vt::Lora<vt::Linear<8, 4>, vt::lora{.rank = 0}>;
#else
using Layer = vt::Lora<vt::Linear<8, 4>, vt::lora{.rank = 1}>;
#endif

int main() { return vt::parameter_count<Layer>() == 8 * 4 + 4 + 8 + 4 ? 0 : 1; }
