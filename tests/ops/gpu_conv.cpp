// gpu_conv.cpp - convolutions, pooling and the norms of channels on the emulated GPU.
#include "cases_conv.hpp"
#include "gpu_runner.hpp"

TEST_CASE("GPU: convolutions, pooling and the norms of channels") {
  const GpuRunner run;
  registry::conv_cases(run);
  registry::pool_cases(run);
  registry::channel_norm_cases(run);
}
