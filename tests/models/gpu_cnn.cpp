// gpu_cnn.cpp - a CNN with batch norms, whose running statistics move, on the emulated GPU as on the host.
#include "gpu_models.hpp"

namespace vt = vitrail;

namespace {
constexpr vt::CnnConfig tiny{.image = 16, .channels = 2, .stage1 = 4, .stage2 = 6, .stage3 = 0};
template <class P>
using Net = vt::Cnn<tiny, 3, P>;
}  // namespace

TEST_CASE("a CNN on the emulated GPU trains as on the host") { test::check_family<Net>(); }
