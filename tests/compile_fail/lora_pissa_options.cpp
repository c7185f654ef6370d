// expect: error_lora_pissa_goes_with_neither_dropout_nor_magnitude<8, 4>
#include <vitrail/tune/lora.hpp>

namespace vt = vitrail;

#ifdef SHOULD_FAIL
constexpr vt::lora options{.rank = 2, .dropout = 0.1, .init = vt::lora_init::pissa};
#else
constexpr vt::lora options{.rank = 2, .init = vt::lora_init::pissa};
#endif

int main() { return vt::trainable_count<vt::Lora<vt::Linear<8, 4>, options>>() > 0 ? 0 : 1; }
