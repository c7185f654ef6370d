// strided.cpp - the axes that a rearrangement comes down to, against loops over the named axes.
#include "catch.hpp"

#include <vitrail/shape/bindings.hpp>
#include <vitrail/shape/shape.hpp>
#include <vitrail/shape/strided.hpp>

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <vector>

using namespace vitrail;

namespace {

// A pattern written down at random, with what it means.
struct Drawn {
  std::vector<std::size_t> extent;                    // by axis: a, b, c, ..
  std::vector<std::vector<std::size_t>> left, right;  // groups of axes
  std::string text;
};
std::string write(const std::vector<std::vector<std::size_t>>& groups) {
  std::string text;
  for (const auto& group : groups) {
    std::string names;
    for (const std::size_t axis : group) names += (names.empty() ? "" : " ") + std::string(1, char('a' + axis));
    text += group.size() == 1 ? names + " " : "(" + names + ") ";
  }
  return text;
}
Drawn draw(std::mt19937& random, bool repeats) {
  const auto below = [&](std::size_t n) { return std::size_t(random() % n); };
  Drawn d;
  for (std::size_t i = below(6); i-- > 0;) d.extent.push_back(1 + below(4));
  std::vector<std::size_t> axes(d.extent.size());
  std::iota(axes.begin(), axes.end(), std::size_t(0));
  const auto group = [&](std::vector<std::size_t> order) {
    std::vector<std::vector<std::size_t>> groups;
    std::shuffle(order.begin(), order.end(), random);
    for (const std::size_t axis : order) {
      if (groups.size() < 3 && below(5) == 0) groups.emplace_back();  // "()": an extent of one
      if (groups.empty() || (groups.size() < max_pattern_rank && below(2))) groups.emplace_back();
      groups.back().push_back(axis);
    }
    return groups;
  };
  d.left = group(axes);
  for (std::size_t i = repeats ? 1 + below(2) : 0; i-- > 0;) {
    axes.push_back(d.extent.size());
    d.extent.push_back(1 + below(3));
  }
  d.right = group(axes);
  d.text = write(d.left) + "-> " + write(d.right);
  return d;
}
// All but the first axis of each group on the left are bound, as is what the left does not have.
AxisExtents bind(const Drawn& d, const Pattern& pattern) {
  AxisExtents known;
  std::vector<bool> free(d.extent.size());
  for (const auto& group : d.left) {
    if (!group.empty()) free[group[0]] = true;
  }
  for (std::size_t axis = 0; axis < d.extent.size(); ++axis) {
    const std::string name(1, char('a' + axis));
    if (!free[axis]) known.extent[find_axis(pattern, d.text, name)] = d.extent[axis];
  }
  return known;
}
std::size_t product(const Drawn& d, const std::vector<std::size_t>& axes) {
  std::size_t size = 1;
  for (const std::size_t axis : axes) size *= d.extent[axis];
  return size;
}
// The row-major offset on one side of a value for each axis.
std::size_t offset(const Drawn& d, const std::vector<std::vector<std::size_t>>& side,
                   const std::vector<std::size_t>& index) {
  std::size_t at = 0;
  for (const auto& group : side) {
    for (const std::size_t axis : group) at = at * d.extent[axis] + index[axis];
  }
  return at;
}
// result[o] = the offset of what is read for o, or -1 if nothing is.
std::vector<int> expected_sources(const Drawn& d) {
  std::size_t size = 1;
  for (const std::size_t extent : d.extent) size *= extent;
  std::vector<int> from(size, -1);
  for (std::size_t i = 0; i < size; ++i) {
    std::vector<std::size_t> index;
    std::size_t rest = i;
    for (const std::size_t extent : d.extent) {
      index.push_back(rest % extent);
      rest /= extent;
    }
    from[offset(d, d.right, index)] = static_cast<int>(offset(d, d.left, index));
  }
  return from;
}
std::vector<int> sources(const StridedAxes& axes, std::size_t size) {
  std::vector<int> from(size, -1);
  std::size_t turns = 1;
  for (const StridedAxis& axis : axes) turns *= axis.extent;
  for (std::size_t turn = 0; turn < turns; ++turn) {
    std::size_t rest = turn, in = 0, out = 0;
    for (std::size_t i = axes.size(); i-- > 0; rest /= axes[i].extent) {
      in += rest % axes[i].extent * axes[i].in;
      out += rest % axes[i].extent * axes[i].out;
    }
    from.at(out) = static_cast<int>(in);
  }
  return from;
}
void check(const Drawn& d, pattern_use use) {
  CAPTURE(d.text);
  const Pattern pattern = parse_pattern(d.text, use);
  REQUIRE(pattern.ok());
  FixedVector<Extents, max_pattern_operands> operands;
  operands.push_back({});
  std::size_t in_size = 1;
  for (const auto& group : d.left) {
    operands[0].push_back(product(d, group));
    in_size *= product(d, group);
  }
  const AxisExtents extents = axis_extents(pattern, operands, bind(d, pattern));
  REQUIRE(extents.ok());
  const Extents result = result_extents(pattern, extents);
  REQUIRE(result.size() == d.right.size());
  std::size_t size = 1;
  for (std::size_t g = 0; g < d.right.size(); ++g) {
    CHECK(result[g] == product(d, d.right[g]));
    size *= result[g];
  }
  const std::vector<int> expected = expected_sources(d);
  const StridedAxes axes = strided_axes(pattern, extents);
  CHECK(sources(axes, size) == expected);
  CHECK(sources(merged(axes), size) == expected);
  for (std::size_t i = 1; i < merged(axes).size(); ++i) CHECK(merged(axes)[i - 1].out > merged(axes)[i].out);
  std::vector<int> in_order(size);
  std::iota(in_order.begin(), in_order.end(), 0);
  CHECK(moves_nothing(axes) == (expected == in_order));
  CHECK(has_repeats(axes) == (size > in_size));
  if (has_repeats(axes)) return;
  const std::vector<int> back = sources(merged(reversed(axes)), size);
  for (std::size_t o = 0; o < size; ++o) CHECK(back[std::size_t(expected[o])] == static_cast<int>(o));
}

constexpr std::string_view patches_text = "c (h p) (w q) -> (h w) (c p q)";
constexpr Pattern patches = parse_pattern(patches_text, pattern_use::rearrange);
static_assert(
    axis_extents<Shape<3, 224, 64>>(patches, bound_extents(patches, patches_text, with{.p = 16, .q = 8}).known).ok());
static_assert(result_extents(patches,
                             axis_extents<Shape<3, 224, 64>>(
                                 patches, bound_extents(patches, patches_text, with{.p = 16, .q = 8}).known))[1] ==
              3 * 16 * 8);
static_assert(bound_extents(patches, patches_text, with{.a = 2, .p = 16, .z = 1}).unknown == 'a');

}  // namespace

TEST_CASE("rearrangements move what loops over the named axes move") {
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) check(draw(random, false), pattern_use::rearrange);
}

TEST_CASE("repetitions read what loops over the named axes read") {
  std::mt19937 random(8);
  for (int i = 0; i < 2000; ++i) check(draw(random, true), pattern_use::repeat);
}

TEST_CASE("neighbouring axes become one") {
  StridedAxes axes;
  axes.push_back({4, 30, 30});
  axes.push_back({1, 7, 9});
  axes.push_back({2, 15, 15});
  axes.push_back({5, 1, 3});
  axes.push_back({3, 5, 1});
  const StridedAxes one = merged(axes);
  REQUIRE(one.size() == 3);
  CHECK(one[0] == StridedAxis{8, 15, 15});
  CHECK(one[1] == StridedAxis{5, 1, 3});
  CHECK(merged(with_samples(axes, 6, 120, 120))[0] == StridedAxis{48, 15, 15});
  CHECK(merged(with_samples(axes, 6, 0, 120)).size() == 4);
}
