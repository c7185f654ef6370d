// gpu_profile.cpp - the time of an operation on a device is that of its kernels, not of their launch.
#include "catch.hpp"

#include <vitrail/inspect/profile.hpp>

#include <chrono>

#include "autodiff/net.hpp"
#include "emulated_gpu.hpp"

namespace vt = vitrail;

TEST_CASE("operations that a device runs when somebody waits are timed with their kernels") {
  using clock = std::chrono::steady_clock;
  vt::Model<Net<test::emulated_gpu>> model(vt::seed{1});
  auto step = vt::training_step(model, NetLoss{});
  const auto images = net_batch<vt::cpu>(64);
  const auto labels = net_labels(64);
  const test::CopiesAhead order;  // kernels run when somebody waits for them
  step(images, labels);
  step.set_timed(true);
  const auto start = clock::now();
  for (int i = 0; i < 3; ++i) step(images, labels);
  const double seconds = std::chrono::duration<double>(clock::now() - start).count();
  const vt::Profile profile = vt::profile(step, 1e12);
  CHECK(profile.steps == 3);
  CHECK(profile.modules[0].seconds() * 3 > 0.3 * seconds);
  CHECK(profile.modules[0].seconds() * 3 < seconds);
  step.set_timed(false);
  step(images, labels);
  CHECK(vt::profile(step, 1e12).steps == 3);
}
