// copy.hpp - the programs that copy, add or zero: what several operations' backward needs. T is what lies in memory.
#pragma once

#include <cstddef>

#include "../backend/bf16.hpp"
#include "../backend/rows.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// to = from, or to += from.
template <class T>
struct Copy {
  using value = computed<T>;
  static constexpr bool is_minor = true;
  const T* from;
  T* to;
  bool adds;
  template <class L, class J>
  VITRAIL_FUNCTION void at(J j) const {
    put<L>(to, j, get<L>(from, j), adds);
  }
};
// Row r of `width` elements: to row r + to_first of every group of to_group rows, from row r + from_first of
// from_group. A null `from` writes zeros.
template <class T>
struct CopyRows {
  using value = computed<T>;
  static constexpr bool is_minor = true;
  const T* from;
  T* to;
  std::size_t width, rows;  // rows of a group that are copied
  std::size_t from_group, from_first, to_group, to_first;
  bool adds = false;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t group = r / rows, within = r % rows;
    const T* source = from ? from + (group * from_group + from_first + within) * width : nullptr;
    T* target = to + (group * to_group + to_first + within) * width;
    row.each(width,
             [&](auto j) VITRAIL_LAMBDA { put<L>(target, j, source ? get<L>(source, j) : constant<L>(0), adds); });
  }
};
// Sums the rows r * stride of a matrix, `width` columns from `from` on.
template <class T>
struct SumRows {
  using value = computed<T>;
  static constexpr bool is_minor = true;
  const T* from;
  std::size_t stride;
  template <class L, class J>
  VITRAIL_FUNCTION void add(std::size_t r, J j, L (&sums)[1]) const {
    sums[0] += get<L>(from + r * stride, j);
  }
};
// Zeroes all columns but [first, first + kept) of each row.
template <class T>
struct ZeroOtherColumns {
  using value = computed<T>;
  static constexpr bool is_minor = true;
  std::size_t columns, first, kept;
  T* to;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    T *before = to + r * columns, *after = before + first + kept;
    row.each(first, [&](auto j) VITRAIL_LAMBDA { put<L>(before, j, constant<L>(0)); });
    row.each(columns - first - kept, [&](auto j) VITRAIL_LAMBDA { put<L>(after, j, constant<L>(0)); });
  }
};

template <class B, class T>
void copy_or_add(const B& backend, std::size_t size, const T* from, T* to, bool adds) {
  backend.elementwise(size, Copy<T>{from, to, adds});
}

}  // namespace vitrail::inline VITRAIL_TU::detail
