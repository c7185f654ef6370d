// expect: error_tuning_two_methods_claim_one_place
// expect: after_mlp
#include <vitrail/models/vit.hpp>
#include <vitrail/tune/tune.hpp>

namespace vt = vitrail;

#ifdef SHOULD_FAIL
using Net = vt::tuned_module<vt::ViT_Ti16<>, vt::pfeiffer{}, vt::adapter_plus{}>;
#else
using Net = vt::tuned_module<vt::ViT_Ti16<>, vt::pfeiffer{}, vt::adaptformer{}>;
#endif

int main() { return vt::trainable_count<Net>() > 0 ? 0 : 1; }
