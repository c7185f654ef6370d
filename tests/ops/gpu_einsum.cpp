// gpu_einsum.cpp - sums of products on the emulated GPU.
#include "cases_einsum.hpp"
#include "gpu_runner.hpp"

TEST_CASE("GPU: sums of products") {
  const GpuRunner run;
  registry::einsum_cases(run);
}
