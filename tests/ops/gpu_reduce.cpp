// gpu_reduce.cpp - reductions on the emulated GPU.
#include "cases_reduce.hpp"
#include "gpu_runner.hpp"

TEST_CASE("GPU: reductions") {
  const GpuRunner run;
  registry::reduce_axes_cases(run);
  registry::reduce_kind_cases(run);
}
