// einsum_patterns.cpp - every einsum of two operands up to rank 4 through the kernels, against loops over all axes.
#include "catch.hpp"

#include <limits>
#include <vitrail/backend/openmp.hpp>
#include <vitrail/ops/einsum_op.hpp>

#include "shape/einsum_patterns.hpp"

using namespace einsum_patterns;

namespace {

// Whole numbers: any order of summation gives the same bits. What is not written is NaN, and so is what must not be.
bool equals_loops(const OpenMP& backend, const Pattern& pattern, const AxisExtents& extents, std::mt19937& random,
                  std::size_t (&paths)[3]) {
  const Values x = whole_numbers(size_of(pattern.operands[0], extents), random);
  const Values y = whole_numbers(size_of(pattern.operands[1], extents), random);
  const Values expected =
      loops_over_all_axes(pattern, extents, pattern.operands[0], x, pattern.operands[1], y, pattern.result);
  const std::vector<float> left(x.begin(), x.end()), right(y.begin(), y.end());
  const std::size_t size = expected.size();
  std::vector<float> out(size + 16, std::numeric_limits<float>::quiet_NaN());
  const EinsumPlan plan = lower_einsum(pattern, extents);
  ++paths[static_cast<std::size_t>(path_of(plan))];
  for (const double times : {1.0, 2.0}) {  // written, then added
    detail::run_einsum(backend, plan, left.data(), right.data(), out.data(), times > 1);
    for (std::size_t i = 0; i < size; ++i) {
      if (static_cast<double>(out[i]) != times * expected[i]) return false;
    }
  }
  return std::all_of(out.begin() + static_cast<std::ptrdiff_t>(size), out.end(), [](float v) { return v != v; });
}

}  // namespace

TEST_CASE("einsum: every pattern up to rank four on the CPU's kernels, and its gradients") {
  const OpenMP backend(vitrail::backend{.threads = 1});
  std::mt19937 random(5);
  std::size_t count = 0, paths[3] = {};
  for (std::size_t ranks = 0; ranks < 125; ++ranks) {
    all_patterns(ranks / 25, ranks / 5 % 5, ranks % 5, [&](const std::string& text) {
      const Pattern pattern = parse_pattern(text, pattern_use::einsum);
      const AxisExtents extents = random_extents(pattern.axes.size(), 500, random);
      if (!equals_loops(backend, pattern, extents, random, paths)) FAIL_CHECK(text);
      ++count;
      for (std::size_t operand : {0u, 1u}) {
        const Pattern gradient = gradient_pattern(pattern, operand);
        if (!equals_loops(backend, gradient, extents, random, paths)) FAIL_CHECK("gradient of " << text);
      }
    });
  }
  CHECK(count == 120225 + 3020);
  for (const std::size_t path : paths) CHECK(path > 5000);
}
