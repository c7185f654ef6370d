// reduce.cpp - the lowering of reductions and of einsums that are no products, and the order of three operands.
#include "catch.hpp"

#include <initializer_list>
#include <string_view>
#include <type_traits>
#include <vitrail/shape/bindings.hpp>
#include <vitrail/shape/einsum_loops.hpp>
#include <vitrail/shape/einsum_order.hpp>
#include <vitrail/shape/reduce.hpp>
#include <vitrail/shape/shape.hpp>

using namespace vitrail;

namespace {

constexpr ReducePlan plan_of(std::initializer_list<std::size_t> dims, std::initializer_list<bool> reduced,
                             std::size_t count) {
  Extents extents;
  FixedVector<bool, max_pattern_rank> which;
  std::size_t in = 1, out = 1;
  for (const std::size_t d : dims) extents.push_back(d), in *= d;
  for (const bool r : reduced) {
    if (!r) out *= extents[which.size()];
    which.push_back(r);
  }
  return lower_reduce(reduce_axes(extents, which), count, in, out);
}
static_assert(std::is_trivially_copyable_v<ReducePlan>);

// The last axis: a run for each row of the batch.
constexpr ReducePlan rows = plan_of({197, 768}, {false, true}, 8);
static_assert(rows.reduces_run() && rows.inner == 768 && rows.steps == 1 && rows.reduced.empty());
static_assert(rows.kept.size() == 1 && rows.kept[0].extent == 8 * 197 && rows.kept[0].in == 768);
// The first axis: lanes over the last, 197 steps of a row.
constexpr ReducePlan columns = plan_of({197, 768}, {true, false}, 8);
static_assert(!columns.reduces_run() && columns.inner == 768 && columns.inner_out == 1);
static_assert(columns.steps == 197 && columns.step == 768 && columns.kept.size() == 1 && columns.kept[0].extent == 8);
// All axes are one run, whatever their number; axes of one are nothing.
static_assert(plan_of({4, 5, 6}, {true, true, true}, 1).inner == 120);
static_assert(plan_of({1, 5, 1}, {false, true, false}, 1).kept.empty());
static_assert(plan_of({1, 1}, {true, false}, 1).inner == 1);
static_assert(plan_of({1, 1}, {true, false}, 9).inner == 9 && plan_of({1, 1}, {true, false}, 9).inner_out == 1);
// Two reduced axes that are not neighbours: the inner one is the run, the outer one its steps.
constexpr ReducePlan outer_and_inner = plan_of({3, 5, 7}, {true, false, true}, 1);
static_assert(outer_and_inner.inner == 7 && outer_and_inner.steps == 3 && outer_and_inner.step == 35);
static_assert(ReducePlan::position(outer_and_inner.kept, 4).in == 28);
static_assert(ReducePlan::position(outer_and_inner.kept, 4).out == 4);

// Windows of a channels-last image: lanes over channels; of a channels-first one: runs of two.
constexpr ReducePlan windows(std::string_view text, std::initializer_list<std::size_t> dims) {
  const Pattern pattern = parse_pattern(text, pattern_use::reduce);
  FixedVector<Extents, max_pattern_operands> operands;
  operands.push_back({});
  for (const std::size_t d : dims) operands[0].push_back(d);
  const AxisExtents extents = axis_extents(pattern, operands, bound_extents(pattern, text, {.p = 2, .q = 2}).known);
  return lower_reduce(reduce_axes(pattern, extents), 1, 0, 0);
}
static_assert(windows("(h p) (w q) c -> h w c", {8, 6, 5}).inner == 5);
static_assert(windows("(h p) (w q) c -> h w c", {8, 6, 5}).steps == 2);
static_assert(windows("c (h p) (w q) -> c h w", {5, 8, 6}).reduces_run());
static_assert(windows("c (h p) (w q) -> c h w", {5, 8, 6}).kept.size() == 2);
static_assert(windows("(h p) (w q) c -> c h w", {8, 6, 5}).inner_out == 12);

template <class A, class B, class C>
constexpr EinsumOrder order(std::string_view text, bool a, bool b, bool c) {
  const Pattern pattern = parse_pattern(text, pattern_use::einsum, 3);
  return einsum_order(pattern, axis_extents<A, B, C>(pattern), {a, b, c});
}
constexpr bool starts_with(const EinsumOrder& o, std::size_t left, std::size_t right) {
  return o.left == left && o.right == right;
}
using Tokens = Shape<197, 768>;
// A low-rank weight: through the narrow middle, not the product of the two weights first.
static_assert(starts_with(order<Tokens, Shape<8, 768>, Shape<768, 8>>("n d, r d, m r -> n m", true, false, false), 0,
                          1));
static_assert(starts_with(order<Shape<8, 768>, Shape<768, 8>, Tokens>("r d, m r, n d -> n m", false, false, true), 0,
                          2));
// Two small weights before many rows.
static_assert(starts_with(order<Tokens, Shape<768, 64>, Shape<64, 4>>("n d, d e, e m -> n m", true, false, false), 1,
                          2));
// A vector at the end of a chain is multiplied first.
static_assert(starts_with(order<Shape<50, 60>, Shape<60, 70>, Shape<70>>("a b, b c, c -> a", true, true, true), 1, 2));
// All products of one number each: the first two first.
static_assert(starts_with(order<Shape<5>, Shape<5>, Shape<5>>("i, i, i ->", true, true, true), 0, 1));

constexpr einsum_path path(std::string_view text, const FixedVector<Extents, max_pattern_operands>& operands) {
  const Pattern pattern = parse_pattern(text, pattern_use::einsum);
  return path_of(lower_einsum(pattern, axis_extents(pattern, operands)));
}
template <class A, class B>
constexpr einsum_path path(std::string_view text) {
  FixedVector<Extents, max_pattern_operands> operands;
  operands.push_back({}), operands.push_back({});
  for (const std::size_t d : A::dims) operands[0].push_back(d);
  for (const std::size_t d : B::dims) operands[1].push_back(d);
  return path(text, operands);
}
static_assert(path<Shape<5, 7>, Shape<7, 3>>("n d, d m -> n m") == einsum_path::product);
static_assert(path<Shape<2, 5, 7>, Shape<2, 3, 7>>("h q d, h k d -> h q k") == einsum_path::product);
static_assert(path<Shape<5, 7>, Shape<5, 7>>("n d, n d -> n d") == einsum_path::lanes);
static_assert(path<Shape<5, 7>, Shape<5>>("n d, n -> n d") == einsum_path::lanes);
static_assert(path<Shape<5>, Shape<7>>("i, j -> i j") == einsum_path::lanes);
static_assert(path<Shape<5, 3, 2>, Shape<7, 3, 2>>("i k h, j k h -> i j h") == einsum_path::lanes);
static_assert(path<Shape<5, 7>, Shape<5, 7>>("n d, n d -> n") == einsum_path::runs);
static_assert(path<Shape<5, 7>, Shape<7>>("n d, d -> n") == einsum_path::runs);
static_assert(path<Shape<7>, Shape<7>>("i, i ->") == einsum_path::runs);

}  // namespace

TEST_CASE("reduce: the position of every turn counts row by row") {
  ReduceAxes loops;
  loops.push_back({3, 100, 7}), loops.push_back({4, 10, 0}), loops.push_back({5, 1, 1});
  CHECK(ReducePlan::turns(loops) == 60);
  std::size_t turn = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      for (std::size_t k = 0; k < 5; ++k, ++turn) {
        CHECK(ReducePlan::position(loops, turn).in == 100 * i + 10 * j + k);
        CHECK(ReducePlan::position(loops, turn).out == 7 * i + k);
      }
    }
  }
  const std::size_t big = (std::size_t(5) << 32) / 5 * 5;  // beyond 32 bits, still exact
  ReduceAxes wide;
  wide.push_back({std::size_t(1) << 40, 5, 5}), wide.push_back({5, 1, 1});
  CHECK(ReducePlan::position(wide, big + 3).in == big + 3);
}
