// thrust_ops.cpp - products, rows and tokens on Thrust, which has the required set of a backend and nothing more.
#include <vitrail/nn/policy_thrust.hpp>

#include "cases_custom.hpp"
#include "cases_linear.hpp"
#include "cases_rows.hpp"
#include "cases_tokens.hpp"
#include "thrust_runner.hpp"

TEST_CASE("Thrust: products, rows and tokens") {
  const ThrustRunner run;
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
