// gpu_runner.hpp - runs a case on the emulated GPU: its block's threads in both orders, and in bf16.
#pragma once

#include "checks.hpp"
#include "emulated_gpu.hpp"
#include "mixed_checks.hpp"

struct GpuRunner {
  template <class C>
  void operator()(const C& c) const {
    using P = test::emulated_gpu;
    const P::backend backend{};
    registry::check_values<P>(c, backend, "emulated GPU");
    registry::DataFor<P> data(registry::problem_of(c, 3));
    const auto ascending = registry::run_retaining<P>(c, data, backend);
    const test::DescendingThreads order;
    const auto descending = registry::run_retaining<P>(c, data, backend);
    registry::expect(c.name + ", emulated GPU, order of threads", registry::same_bits(ascending, descending));
    registry::check_mixed<test::emulated_gpu_bf16>(c);
  }
};
