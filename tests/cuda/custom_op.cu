// custom_op.cu - nvcc's front end takes a user's operations; what comes out runs on the host. Needs no device.
// test: separate
#include "catch.hpp"

#include <vitrail/autodiff/gradient_check.hpp>
#include <vitrail/nn/policy.hpp>
#include <vitrail/nn/policy_serial.hpp>

#include "ops/cases_custom.hpp"

namespace vt = vitrail;

TEST_CASE("a custom operation that nvcc compiled has the right gradient") {
  vt::Batch<vt::Shape<3, 4>, vt::cpu_double> x(2);
  vt::Tensor<vt::Shape<4>, vt::cpu_double> weight{0.5, 1.0, 1.5, -1.0};
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = vt::normal_at<double>({5, 0, 1}, 0, i);
  const auto check =
      vt::gradient_check([](auto v, auto w) { return vt::custom_op(registry::RmsNorm{}, v, w); }, x, weight);
  CHECK(check.worst() < 1e-7);
}
