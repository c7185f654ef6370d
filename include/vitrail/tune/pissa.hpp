// pissa.hpp - where the matrices of a PiSSA start (Meng et al. 2024, "PiSSA: Principal Singular Values and Singular
// Vectors Adaptation of Large Language Models").
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "../backend/memory.hpp"
#include "../ops/low_rank.hpp"
#include "principal.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

template <class T>
struct PissaStart {
  std::vector<T> a, b;
};
// Of each part's W = sum u sigma v^T the first `rank` terms: B = u sqrt(sigma / scale), A = sqrt(sigma / scale) v^T.
// weight [out, in] in Memory; a [selected * rank, in], b [selected * out / count, rank].
template <class Memory, class T>
PissaStart<T> pissa_start(const T* weight, std::size_t out, std::size_t in, parts where, std::size_t rank,
                          double scale) {
  const std::size_t width = out / where.count;
  std::vector<T> all(out * in);
  Memory::copy(all.data(), weight, all.size() * sizeof(T));
  PissaStart<T> start{std::vector<T>(where.selected() * rank * in), std::vector<T>(where.selected() * width * rank)};
  T *a = start.a.data(), *b = start.b.data();
  for (std::size_t part = 0; part < where.count; ++part) {
    if (!where.has(part)) continue;
    RowMajor w{width, in};
    std::copy_n(all.data() + part * width * in, width * in, w.values.begin());
    const Principal found = principal(w, rank);
    for (std::size_t k = 0; k < rank; ++k) {
      const double root = std::sqrt(found.values[k] / scale);
      for (std::size_t j = 0; j < in; ++j) *a++ = static_cast<T>(root * found.right.row(j)[k]);
    }
    for (std::size_t i = 0; i < width; ++i) {
      for (std::size_t k = 0; k < rank; ++k) {
        *b++ = static_cast<T>(std::sqrt(found.values[k] / scale) * found.left.row(i)[k]);
      }
    }
  }
  return start;
}
// now - start, of `size` values in Memory.
template <class Memory, class T>
Buffer<T, Memory> difference_of(const T* now, const T* start, std::size_t size) {
  std::vector<T> a(size), b(size);
  Memory::copy(a.data(), now, size * sizeof(T));
  Memory::copy(b.data(), start, size * sizeof(T));
  for (std::size_t i = 0; i < size; ++i) a[i] -= b[i];
  Buffer<T, Memory> difference(size);
  Memory::copy(difference.data(), a.data(), size * sizeof(T));
  return difference;
}

}  // namespace vitrail::inline VITRAIL_TU::detail
