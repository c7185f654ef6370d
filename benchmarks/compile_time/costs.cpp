// costs.cpp - constants of the largest model: parameters and FLOPs, and with -DARENAS the memory of training and
// inference.
#include <vitrail/nn/memory_cost.hpp>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

using Net = vt::ViT_H14<>;
static_assert(vt::cost_of<Net>(1).parameters == 632'045'800);
#ifdef ARENAS
static_assert(vt::arena_bytes<Net>(1) > vt::activation_bytes<Net>(1));
static_assert(vt::arena_bytes<Net, vt::inference>(1) < 10'000'000);
#endif

int main() {}
