// pattern.hpp - parses "c (h p) (w q) -> (h w) (c p q)" and the like, for rearrange, reduce, repeat and einsum.
#pragma once

#include "../config.hpp"
#include "fixed_vector.hpp"

#include <cstddef>
#include <string_view>
#include <utility>

namespace vitrail::inline VITRAIL_TU {

// Everything that can be wrong with a pattern, or with the extents it is applied to. The names are what a diagnostic
// prints.
enum class pattern_error : unsigned char {
  none,
  // found in the text
  unknown_character,
  name_starts_with_a_digit,  // the only number is 1: an axis of extent one without a name
  unbalanced_parenthesis,
  nested_parenthesis,
  missing_arrow,
  second_arrow,
  comma_on_the_right,
  comma_inside_parentheses,
  arrow_inside_parentheses,
  repeated_axis,  // twice in one operand, or twice in the result
  too_many_operands,
  too_many_axes,
  rank_too_high,
  // not fit for its use
  wrong_number_of_operands,
  axis_only_on_the_right,
  axis_only_on_the_left,
  // does not fit the extents
  rank_differs,
  extents_differ,
  group_not_divisible,
  extent_unknown,
  extent_is_zero,
};

// rearrange: both sides have the same axes. reduce: the right may lack some. repeat: the left may lack some. einsum:
// several operands, and the right may lack some.
enum class pattern_use : unsigned char { rearrange, reduce, repeat, einsum };

inline constexpr std::size_t max_pattern_operands = 4;
inline constexpr std::size_t max_pattern_rank = 8;
inline constexpr std::size_t max_pattern_axes = 16;

// Where a name stands in the text, at its first occurrence.
struct PatternAxis {
  std::size_t position = 0;
  std::size_t length = 0;
};
// One axis of a tensor, as the row-major product of named axes: (h w) is two, h alone is one, 1 is none.
struct PatternGroup {
  FixedVector<std::size_t, max_pattern_rank> axes;
};
using PatternTerm = FixedVector<PatternGroup, max_pattern_rank>;

struct Pattern {
  FixedVector<PatternTerm, max_pattern_operands> operands;
  PatternTerm result;
  FixedVector<PatternAxis, max_pattern_axes> axes;  // an axis is its index here everywhere else
  pattern_error error = pattern_error::none;
  std::size_t position = 0;  // of the error, in the text

  constexpr bool ok() const { return error == pattern_error::none; }
};

constexpr bool has_axis(const PatternTerm& term, std::size_t axis) {
  for (const PatternGroup& group : term) {
    for (const std::size_t other : group.axes) {
      if (other == axis) return true;
    }
  }
  return false;
}
// The axis called `name`, or axes.size() if there is none.
constexpr std::size_t find_axis(const Pattern& pattern, std::string_view text, std::string_view name) {
  std::size_t axis = 0;
  while (axis < pattern.axes.size() && text.substr(pattern.axes[axis].position, pattern.axes[axis].length) != name) {
    ++axis;
  }
  return axis;
}

namespace detail {

constexpr bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c); }

constexpr Pattern failed(Pattern pattern, pattern_error error, std::size_t position) {
  pattern.error = error;
  pattern.position = position;
  return pattern;
}

// Grammar alone: what holds for every use.
constexpr Pattern parse_terms(std::string_view text) {
  using enum pattern_error;
  Pattern pattern;
  PatternTerm term;
  bool after_arrow = false, inside = false;  // inside parentheses: names join the last group
  std::size_t opened = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (is_blank(c)) {
      ++at;
    } else if (is_name(c)) {
      PatternAxis name{at, 0};
      while (at < text.size() && is_name(text[at])) ++at, ++name.length;
      const bool is_one = c == '1' && name.length == 1;
      if (is_digit(c) && !is_one) return failed(pattern, name_starts_with_a_digit, name.position);
      if (!inside) {
        if (term.size() == max_pattern_rank) return failed(pattern, rank_too_high, name.position);
        term.push_back({});
      }
      if (is_one) continue;
      const std::size_t axis = find_axis(pattern, text, text.substr(name.position, name.length));
      if (has_axis(term, axis)) return failed(pattern, repeated_axis, name.position);
      if (axis == max_pattern_axes) return failed(pattern, too_many_axes, name.position);
      if (axis == pattern.axes.size()) pattern.axes.push_back(name);
      auto& group = term[term.size() - 1].axes;
      if (group.size() == max_pattern_rank) return failed(pattern, too_many_axes, name.position);
      group.push_back(axis);
    } else if (c == '(') {
      if (inside) return failed(pattern, nested_parenthesis, at);
      if (term.size() == max_pattern_rank) return failed(pattern, rank_too_high, at);
      term.push_back({});
      inside = true;
      opened = at++;
    } else if (c == ')') {
      if (!inside) return failed(pattern, unbalanced_parenthesis, at);
      inside = false;
      ++at;
    } else if (c == ',' || (c == '-' && at + 1 < text.size() && text[at + 1] == '>')) {
      if (inside) return failed(pattern, c == ',' ? comma_inside_parentheses : arrow_inside_parentheses, at);
      if (after_arrow) return failed(pattern, c == ',' ? comma_on_the_right : second_arrow, at);
      if (pattern.operands.size() == max_pattern_operands) return failed(pattern, too_many_operands, at);
      pattern.operands.push_back(std::exchange(term, {}));
      after_arrow = c == '-';
      at += after_arrow ? 2 : 1;
    } else {
      return failed(pattern, unknown_character, at);
    }
  }
  if (inside) return failed(pattern, unbalanced_parenthesis, opened);
  if (!after_arrow) return failed(pattern, missing_arrow, text.size());
  pattern.result = term;
  return pattern;
}

}  // namespace detail

// Axes are names of letters, digits and underscores, separated by blanks ("hqd" is one axis called hqd); "1" is an
// axis of extent one. An empty side is a scalar. The first thing that is wrong is in `error`, at `position`; nothing
// throws. `operands` is how many an einsum has; all other uses have one.
constexpr Pattern parse_pattern(std::string_view text, pattern_use use, std::size_t operands = 2) {
  using enum pattern_error;
  Pattern pattern = detail::parse_terms(text);
  if (!pattern.ok()) return pattern;
  if (pattern.operands.size() != (use == pattern_use::einsum ? operands : 1u)) {
    return detail::failed(pattern, wrong_number_of_operands, 0);
  }
  for (std::size_t axis = 0; axis < pattern.axes.size(); ++axis) {
    bool on_the_left = false;
    for (const PatternTerm& operand : pattern.operands) on_the_left = on_the_left || has_axis(operand, axis);
    const std::size_t position = pattern.axes[axis].position;
    if (!on_the_left && use != pattern_use::repeat) return detail::failed(pattern, axis_only_on_the_right, position);
    const bool may_vanish = use == pattern_use::reduce || use == pattern_use::einsum;
    if (!may_vanish && !has_axis(pattern.result, axis)) return detail::failed(pattern, axis_only_on_the_left, position);
  }
  return pattern;
}

}  // namespace vitrail::inline VITRAIL_TU
