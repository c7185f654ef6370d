// gpu_swin.cpp - Swin, shifted windows and all, on the emulated GPU as on the host.
// test: timeout 300
#include "gpu_models.hpp"

namespace vt = vitrail;

namespace {
constexpr vt::SwinConfig tiny{.image = 16,
                              .channels = 1,
                              .patch = 2,
                              .dim = 6,
                              .window = 4,
                              .mlp_ratio = 2,
                              .depths = {2, 1, 0, 0},
                              .heads = {2, 3, 0, 0},
                              .drop_path = 0.1};
template <class P>
using Net = vt::Swin<tiny, 3, P>;
}  // namespace

TEST_CASE("a Swin on the emulated GPU trains as on the host") { test::check_family<Net>(); }
