// gpu_movement.cpp - what moves data on the emulated GPU.
#include "cases_movement.hpp"
#include "gpu_runner.hpp"

TEST_CASE("GPU: what moves data") {
  const GpuRunner run;
  registry::rearrange_cases(run);
  registry::permute_cases(run);
  registry::repeat_cases(run);
  registry::slice_cases(run);
  registry::concat_cases(run);
  registry::embedding_cases(run);
}
