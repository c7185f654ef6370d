// einsum_patterns.hpp - every einsum of two operands up to renaming of axes, and the definition of its value.
#pragma once

#include <vitrail/shape/einsum.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

namespace einsum_patterns {

using namespace vitrail;

using Values = std::vector<double>;

inline std::size_t size_of(const PatternTerm& term, const AxisExtents& extents) {
  std::size_t size = 1;
  for (const PatternGroup& group : term) {
    for (const std::size_t axis : group.axes) size *= extents.extent[axis];
  }
  return size;
}
inline std::size_t offset_at(const PatternTerm& term, const AxisExtents& extents,
                             const std::vector<std::size_t>& index) {
  std::size_t offset = 0;
  for (const PatternGroup& group : term) {
    for (const std::size_t axis : group.axes) offset = offset * extents.extent[axis] + index[axis];
  }
  return offset;
}

// The definition: for every combination of all axes, target += first * second.
inline Values loops_over_all_axes(const Pattern& pattern, const AxisExtents& extents, const PatternTerm& first,
                                  const Values& x, const PatternTerm& second, const Values& y,
                                  const PatternTerm& target) {
  Values out(size_of(target, extents), 0.0);
  std::vector<std::size_t> index(pattern.axes.size(), 0);
  for (;;) {
    out[offset_at(target, extents, index)] +=
        x[offset_at(first, extents, index)] * y[offset_at(second, extents, index)];
    std::size_t axis = 0;
    while (axis < index.size() && ++index[axis] == extents.extent[axis]) index[axis++] = 0;
    if (axis == index.size()) return out;
  }
}

inline Values whole_numbers(std::size_t size, std::mt19937& random) {
  Values values(size);
  for (double& value : values) value = static_cast<double>(random() % 15) - 7;
  return values;
}

inline AxisExtents random_extents(std::size_t axes, std::size_t limit, std::mt19937& random) {
  AxisExtents extents;
  std::size_t product = 1;
  for (std::size_t axis = 0; axis < axes; ++axis) {
    constexpr std::array<std::size_t, 8> choices{1, 2, 3, 3, 4, 5, 5, 7};
    extents.extent[axis] = choices[random() % 8];
    while (extents.extent[axis] * product > limit) --extents.extent[axis];
    product *= extents.extent[axis];
  }
  std::shuffle(extents.extent.begin(), extents.extent.begin() + static_cast<std::ptrdiff_t>(axes), random);
  return extents;
}

// Patterns up to renaming: the left operand is "a b c", the right one names new axes in alphabetical order.
using Letters = std::vector<std::size_t>;

inline std::string text_of(const Letters& letters) {
  std::string text;
  for (const std::size_t letter : letters)
    text += (text.empty() ? "" : " ") + std::string(1, static_cast<char>('a' + letter));
  return text;
}
template <class F>
void arrangements(Letters& chosen, std::size_t length, std::size_t letters, std::size_t old_letters, const F& each) {
  if (chosen.size() == length) return each();
  for (std::size_t letter = 0; letter < letters; ++letter) {
    if (std::find(chosen.begin(), chosen.end(), letter) != chosen.end()) continue;
    const bool skips_a_new_letter =
        letter > old_letters && std::find(chosen.begin(), chosen.end(), letter - 1) == chosen.end();
    if (skips_a_new_letter) continue;
    chosen.push_back(letter);
    arrangements(chosen, length, letters, old_letters, each);
    chosen.pop_back();
  }
}
template <class F>
void all_patterns(std::size_t left_rank, std::size_t right_rank, std::size_t result_rank, const F& each) {
  Letters left, right, result;
  for (std::size_t i = 0; i < left_rank; ++i) left.push_back(i);
  arrangements(right, right_rank, left_rank + right_rank, left_rank, [&] {
    std::size_t letters = left_rank;
    for (const std::size_t letter : right) letters = std::max(letters, letter + 1);
    arrangements(result, result_rank, letters, letters,
                 [&] { each(text_of(left) + ", " + text_of(right) + " -> " + text_of(result)); });
  });
}

}  // namespace einsum_patterns
