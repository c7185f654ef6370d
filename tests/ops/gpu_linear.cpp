// gpu_linear.cpp - products on the emulated GPU.
#include "cases_custom.hpp"
#include "cases_linear.hpp"
#include "gpu_runner.hpp"

TEST_CASE("GPU: products") {
  const GpuRunner run;
  registry::linear_cases(run);
  registry::linear_chain_cases(run);
  registry::low_rank_cases(run);
  registry::low_rank_norm_cases(run);
  registry::patch_embedding_cases(run);
  registry::custom_cases(run);
}
