// gpu_ops.cpp - products, rows and tokens on the emulated GPU.

#include "cases_custom.hpp"
#include "cases_linear.hpp"
#include "cases_rows.hpp"
#include "cases_tokens.hpp"
#include "gpu_runner.hpp"

TEST_CASE("GPU: products, rows and tokens") {
  const GpuRunner run;
  registry::linear_cases(run);
  registry::linear_chain_cases(run);
  registry::low_rank_cases(run);
  registry::low_rank_norm_cases(run);
  registry::patch_embedding_cases(run);
  registry::softmax_cases(run);
  registry::attention_cases(run);
  registry::heads_cases(run);
  registry::loss_cases(run);
  registry::token_cases(run);
  registry::custom_cases(run);
}
