// options_pooling.cpp - as options.cpp, for what stands before the blocks and after them.
#include "parity.hpp"
#include "vitrail/io/checkpoint.hpp"

namespace vt = vitrail;
using parity::compare;

TEST_CASE("a norm before the blocks and before the mean, without a class token, equals timm's") {
  compare<options::pre_norm, vt::cpu_double>("vit_pre_norm", 1e-12);
}
TEST_CASE("attention pooling equals timm's") { compare<options::map, vt::cpu_double>("vit_map", 1e-12); }
