// gpu_runner.hpp - runs a case on a GPU, real or emulated: twice, its block's threads in both orders, and in bf16.
#pragma once

#include "checks.hpp"
#include "gpu_policies.hpp"
#include "mixed_checks.hpp"

struct GpuRunner {
  template <class C>
  void operator()(const C& c) const {
    if (!is_there) return;
    using P = test::gpu_policy;
    const typename P::backend backend{};
    registry::check_values<P>(c, backend, test::gpu_name);
    registry::DataFor<P> data(registry::problem_of(c, 3));
    const auto first = registry::run_retaining<P>(c, data, backend);
    const test::OtherOrder order;
    const auto second = registry::run_retaining<P>(c, data, backend);
    registry::expect(c.name + ", " + test::gpu_name + ", the same bits", registry::same_bits(first, second));
    registry::check_mixed<test::gpu_bf16_policy>(c);
  }

 private:
  bool is_there = test::gpu_is_there();
};
