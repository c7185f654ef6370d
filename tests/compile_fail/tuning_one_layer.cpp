// expect: error_tuning_two_methods_claim_one_place
// expect: site::qkv
#include <vitrail/models/vit.hpp>
#include <vitrail/tune/tune.hpp>

namespace vt = vitrail;
namespace site = vt::site;

#ifdef SHOULD_FAIL
using Net = vt::tuned_module<vt::ViT_Ti16<>, vt::lora{}, vt::lora{.rank = 4, .on = vt::sites<site::k>}>;
#else
using Net = vt::tuned_module<vt::ViT_Ti16<>, vt::lora{}, vt::lora{.rank = 4, .on = vt::sites<site::proj>}>;
#endif

int main() { return vt::trainable_count<Net>() > 0 ? 0 : 1; }
