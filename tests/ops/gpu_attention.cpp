// gpu_attention.cpp - cross-attention and window attention on the emulated GPU.
#include "cases_attention.hpp"
#include "gpu_runner.hpp"

TEST_CASE("GPU: cross-attention and window attention") {
  const GpuRunner run;
  registry::cross_attention_cases(run);
  registry::window_attention_cases(run);
  registry::relative_position_cases(run);
}
