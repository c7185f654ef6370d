// gpu_broadcast.cpp - operands that repeat along any axes on the emulated GPU.
#include "cases_broadcast.hpp"
#include "gpu_runner.hpp"

TEST_CASE("GPU: operands that repeat along any axes") {
  const GpuRunner run;
  registry::broadcast_cases(run);
  registry::numpy_cases(run);
}
