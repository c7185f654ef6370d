// expect: error_prompts_are_none<192>
#include <vitrail/models/vit.hpp>
#include <vitrail/tune/tune.hpp>

namespace vt = vitrail;

#ifdef SHOULD_FAIL
using Net = vt::tuned_module<vt::ViT_Ti16<>, vt::visual_prompts{.count = 0}>;
#else
using Net = vt::tuned_module<vt::ViT_Ti16<>, vt::visual_prompts{.count = 1}>;
#endif

int main() { return vt::trainable_count<Net>() == 192 ? 0 : 1; }
