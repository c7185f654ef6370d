// options_pooling.cpp - as options.cpp, for what stands before the blocks and after them.
#include "parity.hpp"
#include "vitrail/io/checkpoint.hpp"

namespace vt = vitrail;

TEST_CASE("a norm before the blocks and before the mean, without a class token, equals timm's") {
  parity::compare<vt::ViT<options::pre_norm, 5, vt::cpu_double>>("vit_pre_norm", 1e-12);
}
TEST_CASE("attention pooling equals timm's") {
  parity::compare<vt::ViT<options::map, 5, vt::cpu_double>>("vit_map", 1e-12);
}
