// gpu_elementwise.cpp - the elementwise cases on the emulated GPU.

#include "cases_broadcast.hpp"
#include "gpu_runner.hpp"

TEST_CASE("GPU: the elementwise cases") {
  const GpuRunner run;
  registry::function_cases(run);
  registry::arithmetic_cases(run);
  registry::broadcast_cases(run);
  registry::numpy_cases(run);
}
