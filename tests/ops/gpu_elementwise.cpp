// gpu_elementwise.cpp - elementwise functions and arithmetic on the emulated GPU.
#include "cases_elementwise.hpp"
#include "gpu_runner.hpp"

TEST_CASE("GPU: elementwise functions and arithmetic") {
  const GpuRunner run;
  registry::function_cases(run);
  registry::arithmetic_cases(run);
}
