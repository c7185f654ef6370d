// gpu_rows.cpp - rows and tokens on the emulated GPU.
#include "cases_rows.hpp"
#include "cases_tokens.hpp"
#include "gpu_runner.hpp"

TEST_CASE("GPU: rows and tokens") {
  const GpuRunner run;
  registry::softmax_cases(run);
  registry::attention_cases(run);
  registry::heads_cases(run);
  registry::loss_cases(run);
  registry::token_cases(run);
}
