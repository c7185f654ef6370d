// expect: error_lora_pissa_rank_is_more_than_that_of_the_weight<5, 4>
#include <vitrail/tune/lora.hpp>

namespace vt = vitrail;

#ifdef SHOULD_FAIL
constexpr vt::lora options{.rank = 5, .init = vt::lora_init::pissa};
#else
constexpr vt::lora options{.rank = 4, .init = vt::lora_init::pissa};
#endif

int main() { return vt::trainable_count<vt::Lora<vt::Linear<8, 4>, options>>() > 0 ? 0 : 1; }
