// expect: error_prompts_have_no_place_in_a_swin
#include <vitrail/models/swin.hpp>
#include <vitrail/tune/tune.hpp>

namespace vt = vitrail;

#ifdef SHOULD_FAIL
using Net = vt::tuned_module<vt::Swin_T<>, vt::visual_prompts{.count = 1}, vt::head<>>;
#else
using Net = vt::tuned_module<vt::Swin_T<>, vt::head<>>;
#endif

int main() { return vt::trainable_count<Net>() == 769'000 ? 0 : 1; }
