// pattern.cpp - what parses and to what, and a table of patterns that must not, with the error and where it is.
#include "catch.hpp"

#include <vitrail/shape/axis_extents.hpp>
#include <vitrail/shape/fixed_string.hpp>
#include <vitrail/shape/shape.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

using namespace vitrail;
using enum pattern_error;
using use = pattern_use;  // its names are those of functions, too

namespace {

// Back to text, so that a test reads like the pattern.
std::string print(const PatternTerm& term, const Pattern& pattern, std::string_view text) {
  std::string out;
  for (const PatternGroup& group : term) {
    std::string names;
    for (const std::size_t axis : group.axes) {
      names += (names.empty() ? "" : " ");
      names += text.substr(pattern.axes[axis].position, pattern.axes[axis].length);
    }
    if (group.axes.empty()) names = "1";
    if (group.axes.size() > 1) names = "(" + names + ")";
    out += (out.empty() ? "" : " ") + names;
  }
  return out;
}
std::string print(std::string_view text, pattern_use use) {
  const Pattern pattern = parse_pattern(text, use);
  if (!pattern.ok()) return "error " + std::to_string(static_cast<int>(pattern.error));
  std::string out;
  for (std::size_t i = 0; i < pattern.operands.size(); ++i) {
    out += (i == 0 ? "" : ", ") + print(pattern.operands[i], pattern, text);
  }
  return out + " -> " + print(pattern.result, pattern, text);
}

// As the public functions take it: a template argument, parsed in a constant.
template <FixedString Text, pattern_use Use>
struct Parsed {
  static constexpr Pattern pattern = parse_pattern(Text.view(), Use);
};
using Patches = Parsed<"c (h p) (w q) -> (h w) (c p q)", use::rearrange>;
static_assert(Patches::pattern.ok() && Patches::pattern.axes.size() == 5);
static_assert(Patches::pattern.result[0].axes[1] == 3 && Patches::pattern.result[1].axes[2] == 4);
static_assert(!Parsed<"a b", use::rearrange>::pattern.ok());

constexpr AxisExtents bound(const Pattern& pattern, std::string_view text, std::string_view name, std::size_t extent) {
  AxisExtents known;
  known.extent[find_axis(pattern, text, name)] = extent;
  return known;
}

constexpr std::string_view patches_text = "c (h p) (w q) -> (h w) (c p q)";
constexpr Pattern patches = parse_pattern(patches_text, use::rearrange);
constexpr AxisExtents patch_extents = [] {
  AxisExtents known = bound(patches, patches_text, "p", 16);
  known.extent[find_axis(patches, patches_text, "q")] = 8;
  return axis_extents<Shape<3, 224, 64>>(patches, known);
}();
static_assert(patch_extents.ok());
static_assert(result_extents(patches, patch_extents).size() == 2);
static_assert(result_extents(patches, patch_extents)[0] == 14 * 8);
static_assert(result_extents(patches, patch_extents)[1] == 3 * 16 * 8);

}  // namespace

TEST_CASE("patterns parse to operands, groups and axes") {
  CHECK(print("h q d, h k d -> h q k", use::einsum) == "h q d, h k d -> h q k");
  CHECK(print("  c(h p)\t(w q)->(h w)(c p q)\n", use::rearrange) == "c (h p) (w q) -> (h w) (c p q)");
  CHECK(print("head q_1 Dim,head key Dim->head q_1 key", use::einsum) == "head q_1 Dim, head key Dim -> head q_1 key");
  CHECK(print("h w 1 c -> (h w) () (1 c)", use::rearrange) == "h w 1 c -> (h w) 1 c");
  CHECK(print("h w c -> c", use::reduce) == "h w c -> c");
  CHECK(print("h w ->", use::reduce) == "h w -> ");
  CHECK(print("c -> h c 1", use::repeat) == "c -> h c 1");
  CHECK(print(", i -> i", use::einsum) == ", i -> i");
  CHECK(print("a b c d e f g (h i j k l m n o p) -> p", use::reduce).starts_with("error"));
  CHECK(print("a b c d e f g (h i j k l m n o) -> o", use::reduce) == "a b c d e f g (h i j k l m n o) -> o");
}

TEST_CASE("a bad pattern names its error and where it is") {
  struct Bad {
    std::string_view text;
    pattern_use use;
    pattern_error error;
    std::size_t position;
  };
  const std::vector<Bad> table{
      {"h w -> h.w", use::rearrange, unknown_character, 8},
      {"h - w", use::rearrange, unknown_character, 2},
      {"h w -", use::rearrange, unknown_character, 4},
      {"h w > w h", use::rearrange, unknown_character, 4},
      {"... c -> c ...", use::rearrange, unknown_character, 0},
      {"h w, -> w\xc3\xa9", use::einsum, unknown_character, 9},
      {"h 2 -> h", use::reduce, name_starts_with_a_digit, 2},
      {"h 2d -> h", use::reduce, name_starts_with_a_digit, 2},
      {"h 11 -> h", use::reduce, name_starts_with_a_digit, 2},
      {"h 0 -> h", use::reduce, name_starts_with_a_digit, 2},
      {"(h w -> h w", use::rearrange, arrow_inside_parentheses, 5},
      {"h w -> (h w", use::rearrange, unbalanced_parenthesis, 7},
      {"h w) -> h w", use::rearrange, unbalanced_parenthesis, 3},
      {"h w -> h w)", use::rearrange, unbalanced_parenthesis, 10},
      {"((h w) c) -> h w c", use::rearrange, nested_parenthesis, 1},
      {"h w", use::rearrange, missing_arrow, 3},
      {"", use::rearrange, missing_arrow, 0},
      {"h q d, h k d", use::einsum, missing_arrow, 12},
      {"h w -> w h -> h w", use::rearrange, second_arrow, 11},
      {"h w -> w, h", use::rearrange, comma_on_the_right, 8},
      {"(h, w) c -> c", use::einsum, comma_inside_parentheses, 2},
      {"h w -> (h -> w)", use::rearrange, arrow_inside_parentheses, 10},
      {"i i -> i", use::reduce, repeated_axis, 2},
      {"i (j i) -> i j", use::rearrange, repeated_axis, 5},
      {"i j -> i j i", use::rearrange, repeated_axis, 11},
      {"i j, j j -> i", use::einsum, repeated_axis, 7},
      {"a, b, c, d, e -> a", use::einsum, too_many_operands, 14},
      {"a b c d e f g h, i j k l m n o p -> a q", use::einsum, too_many_axes, 38},
      {"(a b c d e f g h i) -> a", use::reduce, too_many_axes, 17},
      {"a b c d e f g h i -> a", use::reduce, rank_too_high, 16},
      {"a b c d e f g h 1 -> a", use::reduce, rank_too_high, 16},
      {"a b c d e f g h (i) -> a", use::reduce, rank_too_high, 16},
      {"a, b -> a b", use::rearrange, wrong_number_of_operands, 0},
      {"a b -> a", use::einsum, wrong_number_of_operands, 0},
      {"a, b, c -> a", use::einsum, wrong_number_of_operands, 0},
      {"h q d, h k d -> h q n", use::einsum, axis_only_on_the_right, 20},
      {"hqd,hkd->hqk", use::einsum, axis_only_on_the_right, 9},
      {"h w -> h w c", use::rearrange, axis_only_on_the_right, 11},
      {"h w -> h c", use::reduce, axis_only_on_the_right, 9},
      {"h w -> h", use::rearrange, axis_only_on_the_left, 2},
      {"h w -> h c", use::repeat, axis_only_on_the_left, 2},
  };
  for (const Bad& bad : table) {
    CAPTURE(bad.text);
    const Pattern pattern = parse_pattern(bad.text, bad.use);
    CHECK(pattern.error == bad.error);
    CHECK(pattern.position == bad.position);
  }
}

TEST_CASE("no text of these characters makes the parser read or write out of bounds") {
  const std::string_view characters = "ab1 (),->";  // run under a sanitizer
  for (std::size_t code = 0, count = 9 * 9 * 9 * 9 * 9 * 9; code < count; ++code) {
    std::string text;
    for (std::size_t rest = code, i = 0; i < 6; ++i, rest /= 9) text += characters[rest % 9];
    const Pattern pattern = parse_pattern(text, use::einsum);
    if (pattern.position > text.size()) FAIL(text);
    const auto depth = [&](char c) { return std::count(text.begin(), text.end(), c); };
    if (pattern.ok() && depth('(') != depth(')')) FAIL(text);
  }
  SUCCEED();
}

TEST_CASE("extents that do not fit name the operand, its axis and both numbers") {
  const auto scores = parse_pattern("h q d, h k d -> h q k", use::einsum);
  CHECK(axis_extents<Shape<12, 197, 64>, Shape<12, 33, 64>>(scores).ok());
  AxisExtents bad = axis_extents<Shape<12, 197, 64>, Shape<12, 33, 65>>(scores);
  CHECK((bad.error == extents_differ && bad.operand == 1 && bad.axis == 2 && bad.expected == 64 && bad.found == 65));
  bad = axis_extents<Shape<12, 197, 64>, Shape<33, 64>>(scores);
  CHECK((bad.error == rank_differs && bad.operand == 1 && bad.expected == 3 && bad.found == 2));
  bad = axis_extents<Shape<12, 197, 64>>(scores);
  CHECK((bad.error == rank_differs && bad.operand == 1 && bad.expected == 3 && bad.found == 0));
  bad = axis_extents<Shape<12, 0, 64>, Shape<12, 33, 64>>(scores);
  CHECK((bad.error == extent_is_zero && bad.operand == 0 && bad.axis == 1));

  const auto one = parse_pattern("h 1 w -> h w", use::rearrange);
  CHECK(axis_extents<Shape<2, 1, 3>>(one).ok());
  bad = axis_extents<Shape<2, 5, 3>>(one);
  CHECK((bad.error == extents_differ && bad.axis == 1 && bad.expected == 1 && bad.found == 5));

  const std::string_view text = "(h p) c -> h p c";
  const auto split = parse_pattern(text, use::rearrange);
  CHECK(axis_extents<Shape<48, 3>>(split, bound(split, text, "p", 16)).extent[0] == 3);
  bad = axis_extents<Shape<50, 3>>(split, bound(split, text, "p", 16));
  CHECK((bad.error == group_not_divisible && bad.axis == 0 && bad.expected == 16 && bad.found == 50));
  bad = axis_extents<Shape<8, 3>>(split, bound(split, text, "p", 16));
  CHECK((bad.error == group_not_divisible && bad.expected == 16 && bad.found == 8));
  bad = axis_extents<Shape<48, 3>>(split);
  CHECK((bad.error == extent_unknown && bad.axis == 0));
  AxisExtents both = bound(split, text, "p", 16);
  both.extent[0] = 4;
  bad = axis_extents<Shape<48, 3>>(split, both);
  CHECK((bad.error == extents_differ && bad.expected == 64 && bad.found == 48));
  both.extent[0] = (std::size_t{1} << 60) + 3;  // 16 times this wraps round to 48
  CHECK(axis_extents<Shape<48, 3>>(split, both).error == extents_differ);
  const auto copies = parse_pattern("c -> n c", use::repeat);
  CHECK(axis_extents<Shape<3>>(copies).error == extent_unknown);
  CHECK(axis_extents<Shape<3>>(copies, bound(copies, "c -> n c", "n", 5)).ok());

  // A later operand may settle a group of an earlier one.
  const auto merged_heads = parse_pattern("n (h d), h d m -> n m", use::einsum);
  const AxisExtents found = axis_extents<Shape<7, 12>, Shape<3, 4, 5>>(merged_heads);
  CHECK((found.ok() && found.extent[1] == 3 && found.extent[2] == 4));
  bad = axis_extents<Shape<7, 13>, Shape<3, 4, 5>>(merged_heads);
  CHECK((bad.error == extents_differ && bad.operand == 0 && bad.axis == 1 && bad.expected == 12 && bad.found == 13));
  const auto chain = parse_pattern("n (h d), h m -> n m d", use::einsum);
  CHECK(axis_extents<Shape<7, 12>, Shape<3, 5>>(chain).extent[2] == 4);
}
