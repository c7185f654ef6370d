// pool2d.cpp - pooling, and the norms of channels.
#include "cases_conv.hpp"
#include "checks.hpp"

VITRAIL_TEST_CASES(pool2d, registry::pool_cases)
VITRAIL_TEST_CASES(channel_norm, registry::channel_norm_cases)

TEST_CASE("the gradient of max_pool2d goes to the first of equal values, and NaN is the largest") {
  namespace vt = vitrail;
  const vt::Serial backend;
  vt::Tape<vt::serial, true> tape(backend);
  tape.begin(1);
  const std::vector<float> values{1, 2, 2, 2, 0, NAN, 0, 0};
  const auto x = tape.tracked_input<vt::Shape<1, 2, 4>, false>(values.data());
  vt::Var y = vt::max_pool2d(x);
  CHECK(y.data[0] != y.data[0]);
  CHECK(y.data[1] == 2);
  tape.backward(vt::sum(y));
  const float* gradient = tape.gradient(x);
  CHECK(std::vector<float>(gradient, gradient + 8) == std::vector<float>{0, 0, 1, 0, 0, 1, 0, 0});
}
