// einsum.cpp - every two-operand pattern up to rank 4: the plan against loops over all axes, values and gradients.
#include "catch.hpp"

#include <vitrail/shape/einsum.hpp>
#include <vitrail/shape/shape.hpp>

#include "einsum_patterns.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

using namespace vitrail;
using namespace einsum_patterns;

namespace {

constexpr Pattern parse(std::string_view text) { return parse_pattern(text, pattern_use::einsum); }
template <class L, class R>
constexpr EinsumPlan plan_of(std::string_view text) {
  const Pattern pattern = parse(text);
  const AxisExtents extents = axis_extents<L, R>(pattern);
  return pattern.ok() && extents.ok() ? lower_einsum(pattern, extents) : throw "a bad pattern";
}
template <class L, class R>
constexpr EinsumPlan gradient_plan_of(std::string_view text, std::size_t operand) {
  const Pattern pattern = parse(text);
  return lower_einsum(gradient_pattern(pattern, operand), axis_extents<L, R>(pattern));
}
constexpr bool is_one_product(const EinsumPlan& plan, std::size_t batch, std::size_t rows, std::size_t columns,
                              std::size_t inner) {
  const std::size_t count = plan.loops.empty() ? 1 : plan.loops[0].extent;
  return plan.is_single_product() && count == batch && plan.rows == rows && plan.columns == columns &&
         plan.inner == inner;
}

static_assert(std::is_trivially_copyable_v<EinsumPlan> && sizeof(EinsumPlan) < 1024);

// What attention, linear layers and their gradients lower to: one product, no copy, no loop beside the heads.
using Heads = Shape<12, 197, 64>;
using Keys = Shape<12, 33, 64>;
constexpr auto scores = plan_of<Heads, Keys>("h q d, h k d -> h q k");
static_assert(is_one_product(scores, 12, 197, 33, 64) && !scores.swapped);
static_assert(scores.left_row == 64 && scores.left_inner == 1 && scores.right_inner == 1 && scores.right_column == 64);
static_assert(scores.result_row == 33 && scores.loops[0].left == 197 * 64 && scores.loops[0].right == 33 * 64 &&
              scores.loops[0].result == 197 * 33);
static_assert(is_one_product(gradient_plan_of<Heads, Keys>("h q d, h k d -> h q k", 0), 12, 197, 64, 33));
static_assert(is_one_product(gradient_plan_of<Heads, Keys>("h q d, h k d -> h q k", 1), 12, 33, 64, 197));
static_assert(is_one_product(plan_of<Shape<12, 197, 33>, Keys>("h q k, h k d -> h q d"), 12, 197, 64, 33));
static_assert(is_one_product(plan_of<Shape<12, 197, 33>, Keys>("h q k, h k d -> q (h d)"), 12, 197, 64, 33));
static_assert(is_one_product(plan_of<Shape<197, 768>, Shape<12, 33, 64>>("q (h d), h k d -> h q k"), 12, 197, 33, 64));
static_assert(is_one_product(plan_of<Shape<5, 7>, Shape<7, 11>>("n d, d m -> n m"), 1, 5, 11, 7));
static_assert(is_one_product(plan_of<Shape<5, 7>, Shape<11, 7>>("n d, m d -> n m"), 1, 5, 11, 7));
static_assert(is_one_product(gradient_plan_of<Shape<5, 7>, Shape<11, 7>>("n d, m d -> n m", 1), 1, 11, 7, 5));
static_assert(is_one_product(plan_of<Shape<2, 5, 7>, Shape<7, 11>>("h n d, d m -> h n m"), 1, 10, 11, 7));
static_assert(is_one_product(plan_of<Shape<5, 2, 7>, Shape<2, 7, 11>>("n h d, h d m -> n m"), 1, 5, 11, 14));
static_assert(is_one_product(plan_of<Shape<64, 3, 49, 32>, Shape<64, 3, 49, 32>>("w h i d, w h j d -> w h i j"), 192,
                             49, 49, 32));
static_assert(is_one_product(plan_of<Shape<5, 7>, Shape<5, 7>>("i j, i j ->"), 1, 1, 1, 35));
// One row: the matrix is on the right, for contiguous columns.
static_assert(is_one_product(plan_of<Shape<5, 7>, Shape<7>>("i j, j -> i"), 1, 1, 5, 7));
static_assert(is_one_product(plan_of<Shape<5>, Shape<7>>("i, j -> i j"), 1, 5, 7, 1));
// The result wants the left operand's axis last: the operands change places.
static_assert(plan_of<Shape<5, 7>, Shape<7, 11>>("n d, d m -> m n").swapped);
static_assert(is_one_product(plan_of<Shape<5, 7>, Shape<7, 11>>("n d, d m -> m n"), 1, 11, 5, 7));
// No product: elementwise, with the last loop through contiguous memory.
static_assert(plan_of<Shape<5, 7>, Shape<5, 7>>("i j, i j -> i j").is_elementwise());
static_assert(plan_of<Shape<5, 7>, Shape<7>>("i j, j -> i j").loops[1].extent == 7);
// What needs loops that add: two sums in different orders, or a sum within one operand beside a common one.
static_assert(plan_of<Shape<3, 5, 7>, Shape<5, 3, 11>>("a b i, b a j -> i j").independent == 0);
static_assert(plan_of<Shape<3, 5, 7>, Shape<5, 3, 11>>("a b i, b a j -> i j").loops[0].extent == 3);
static_assert(plan_of<Shape<3, 5, 7>, Shape<5, 11>>("s k i, k j -> i j").multiply_adds() == 3 * 5 * 7 * 11);
// A sum within one operand alone is the inner axis.
static_assert(is_one_product(plan_of<Shape<3, 7>, Shape<11>>("s i, j -> i j"), 1, 7, 11, 3));
// No contiguous columns: the longer side becomes the rows, even one that repeats the same values.
static_assert(plan_of<Shape<5, 3, 2>, Shape<7, 3, 2>>("i k h, j k h -> i j h").rows == 7);
static_assert(gradient_plan_of<Shape<3, 5>, Shape<5, 7>>("s i, i j -> i j", 0).rows == 3);
static_assert(role_of({4, 1, 0, 0}) == einsum_role::left_only && role_of({4, 0, 0, 1}) == einsum_role::result_only);

// With samples: a weight is one product over all rows of the batch, and so is its gradient.
constexpr EinsumPlan batched(std::string_view text, int wanted, bool left, bool right, bool result) {
  const Pattern pattern = parse(text);
  const AxisExtents extents = axis_extents<Shape<5, 7>, Shape<7, 11>>(pattern);
  const Pattern used = wanted < 0 ? pattern : gradient_pattern(pattern, static_cast<std::size_t>(wanted));
  return lower_einsum(with_samples(einsum_axes(used, extents), 8, left, right, result));
}
static_assert(is_one_product(batched("n d, d m -> n m", -1, true, false, true), 1, 40, 11, 7));
static_assert(is_one_product(batched("n d, d m -> n m", 0, true, false, true), 1, 40, 7, 11));
static_assert(is_one_product(batched("n d, d m -> n m", 1, true, true, false), 1, 7, 11, 40));
static_assert(is_one_product(batched("n d, d m -> n m", -1, true, true, true), 8, 5, 11, 7));

// --- run time: whole numbers in double, so every order of summation gives the same bits ---

// Runs a plan as a backend does, on the plan's integers alone. Reads and writes are bounds-checked; what is not
// written is NaN.
Values run(const EinsumPlan& plan, const Values& first, const Values& second, std::size_t size) {
  const Values& left = plan.swapped ? second : first;
  const Values& right = plan.swapped ? first : second;
  Values out(size, std::numeric_limits<double>::quiet_NaN());
  std::vector<std::size_t> turn(plan.loops.size(), 0);
  for (;;) {
    std::size_t a = 0, b = 0, c = 0;
    bool accumulate = false;
    for (std::size_t i = 0; i < turn.size(); ++i) {
      a += turn[i] * plan.loops[i].left, b += turn[i] * plan.loops[i].right, c += turn[i] * plan.loops[i].result;
      accumulate = accumulate || (i >= plan.independent && turn[i] != 0);
    }
    for (std::size_t i = 0; i < plan.rows; ++i) {
      for (std::size_t j = 0; j < plan.columns; ++j) {
        double sum = 0;
        for (std::size_t p = 0; p < plan.inner; ++p) {
          sum += left.at(a + i * plan.left_row + p * plan.left_inner) *
                 right.at(b + p * plan.right_inner + j * plan.right_column);
        }
        double& target = out.at(c + i * plan.result_row + j);
        target = accumulate ? target + sum : sum;
      }
    }
    std::size_t loop = turn.size();
    while (loop > 0 && ++turn[loop - 1] == plan.loops[loop - 1].extent) turn[--loop] = 0;
    if (loop == 0) return out;
  }
}

// The promises that hold for every plan, then its values.
bool is_right(const Pattern& pattern, const AxisExtents& extents, std::mt19937& random) {
  const Values left = whole_numbers(size_of(pattern.operands[0], extents), random);
  const Values right = whole_numbers(size_of(pattern.operands[1], extents), random);
  const EinsumPlan plan = lower_einsum(pattern, extents);
  for (std::size_t i = 0; i < plan.loops.size(); ++i) {
    if ((plan.loops[i].result != 0) != (i < plan.independent) || plan.loops[i].extent < 2) return false;
  }
  if (plan.is_elementwise() && !plan.loops.empty() && plan.loops[plan.loops.size() - 1].result > 1) return false;
  return run(plan, left, right, size_of(pattern.result, extents)) ==
         loops_over_all_axes(pattern, extents, pattern.operands[0], left, pattern.operands[1], right, pattern.result);
}
bool gradients_are_right(const Pattern& pattern, const AxisExtents& extents, std::mt19937& random) {
  for (std::size_t operand = 0; operand < 2; ++operand) {
    std::array<Values, 2> values;
    for (std::size_t i = 0; i < 2; ++i) values[i] = whole_numbers(size_of(pattern.operands[i], extents), random);
    const Values output_gradient = whole_numbers(size_of(pattern.result, extents), random);
    const Values expected =
        loops_over_all_axes(pattern, extents, pattern.result, output_gradient, pattern.operands[1 - operand],
                            values[1 - operand], pattern.operands[operand]);
    values[operand] = output_gradient;
    const EinsumPlan plan = lower_einsum(gradient_pattern(pattern, operand), extents);
    if (run(plan, values[0], values[1], expected.size()) != expected) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("every pattern of ranks up to three, and its gradients, equals the loops") {
  std::mt19937 random(1);
  std::size_t count = 0;
  for (std::size_t ranks = 0; ranks < 64; ++ranks) {
    all_patterns(ranks / 16, ranks / 4 % 4, ranks % 4, [&](const std::string& text) {
      const Pattern pattern = parse(text);
      for (int trial = 0; trial < 3; ++trial) {
        const AxisExtents extents = random_extents(pattern.axes.size(), 1500, random);
        ++count;
        if (!pattern.ok() || !is_right(pattern, extents, random)) FAIL_CHECK(text);
        if (trial == 0 && !gradients_are_right(pattern, extents, random)) FAIL_CHECK("gradient of " << text);
      }
    });
  }
  CHECK(count == 3 * 3020);  // sum over ranks and common axes k of C(r, k) l! / (l - k)! u! / (u - m)!, u = l + r - k
}

TEST_CASE("every pattern with a rank of four, and gradients of each fourth, equals the loops") {
  std::mt19937 random(2);
  std::size_t count = 0;
  for (std::size_t ranks = 0; ranks < 125; ++ranks) {
    if (ranks / 25 < 4 && ranks / 5 % 5 < 4 && ranks % 5 < 4) continue;
    all_patterns(ranks / 25, ranks / 5 % 5, ranks % 5, [&](const std::string& text) {
      const Pattern pattern = parse(text);
      const AxisExtents extents = random_extents(pattern.axes.size(), 240, random);
      if (!pattern.ok() || !is_right(pattern, extents, random)) FAIL_CHECK(text);
      if (++count % 4 == 0 && !gradients_are_right(pattern, extents, random)) FAIL_CHECK("gradient of " << text);
    });
  }
  CHECK(count == 120225);
}

TEST_CASE("an added sample axis equals one that the pattern names first") {
  std::mt19937 random(3);
  std::vector<std::string> texts;
  for (std::size_t ranks = 0; ranks < 64; ++ranks) {
    all_patterns(ranks / 16, ranks / 4 % 4, ranks % 4, [&](const std::string& text) { texts.push_back(text); });
  }
  for (std::size_t i = 0; i < 5000; ++i) {
    const std::string& text = texts[random() % texts.size()];
    const std::size_t comma = text.find(','), arrow = text.find("->");
    const std::size_t batched_terms = 1 + random() % 7;
    const bool left = batched_terms & 1, right = batched_terms & 2, result = batched_terms & 4;
    if (result && !left && !right) continue;
    const std::string named = (left ? "z " : "") + text.substr(0, comma) + ", " + (right ? "z " : "") +
                              text.substr(comma + 1, arrow - comma - 1) + "-> " + (result ? "z " : "") +
                              text.substr(arrow + 2);
    const Pattern implicit = parse(text), full = parse(named);
    REQUIRE(full.ok());
    const AxisExtents known = random_extents(implicit.axes.size(), 400, random);
    AxisExtents all;
    for (std::size_t axis = 0; axis < full.axes.size(); ++axis) {
      const auto name = std::string_view(named).substr(full.axes[axis].position, 1);
      all.extent[axis] = name == "z" ? 3 : known.extent[find_axis(implicit, text, name)];
    }
    const Values x = whole_numbers(size_of(full.operands[0], all), random);
    const Values y = whole_numbers(size_of(full.operands[1], all), random);
    const EinsumPlan plan = lower_einsum(with_samples(einsum_axes(implicit, known), 3, left, right, result));
    const Values expected = loops_over_all_axes(full, all, full.operands[0], x, full.operands[1], y, full.result);
    if (run(plan, x, y, expected.size()) != expected) FAIL_CHECK(named);
  }
}

TEST_CASE("groups on either side are strides, not copies") {
  std::mt19937 random(4);
  for (const char* text : {"h q k, h k d -> q (h d)", "q (h d), h k d -> h q k", "n (h d), (h d) m -> m n",
                           "(n m) 1 d, d -> (m n)", "(a b) c, (b a) d -> (c d)", "a (b c), c -> (c b) a 1"}) {
    const Pattern pattern = parse(text);
    REQUIRE(pattern.ok());
    for (int trial = 0; trial < 50; ++trial) {
      const AxisExtents extents = random_extents(pattern.axes.size(), 1500, random);
      if (!is_right(pattern, extents, random)) FAIL_CHECK(text);
      if (!gradients_are_right(pattern, extents, random)) FAIL_CHECK("gradient of " << text);
    }
  }
}
