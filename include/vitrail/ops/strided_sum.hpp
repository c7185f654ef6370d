// strided_sum.hpp - sums what a strided copy has repeated: the gradient of a repetition. The order of a sum is fixed by
// the axes.
#pragma once

#include <algorithm>
#include <cstddef>

#include "strided_copy.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// A row is a piece of the last axis of `kept`, which is contiguous in the result (`out`); each of its elements is the
// sum over `summed`, whose `in` are strides in what is read.
template <class T>
struct StridedSum {
  using value = T;
  static constexpr bool is_minor = true;
  StridedAxis kept[max_strided_axes], summed[max_strided_axes];
  std::size_t kept_size, summed_size, piece;
  const T* from;
  T* to;
  bool adds;

  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const StridedAxis &run = kept[kept_size - 1], &last = summed[summed_size - 1];
    const std::size_t pieces = (run.extent + piece - 1) / piece, first = r % pieces * piece;
    const std::size_t count = run.extent - first < piece ? run.extent - first : piece;
    const StridedOffsets at = offsets_of(kept, kept_size - 1, r / pieces);
    const T* source = from + at.in + first * run.in;
    T* target = to + at.out + first;
    std::size_t outside = 1;
    for (std::size_t i = 0; i + 1 < summed_size; ++i) outside *= summed[i].extent;
    if (run.in == 1) {
      // 64 terms at a time: lines that several lanes share are still in the L1 cache when the next lane reads them.
      constexpr std::size_t terms = 64;
      for (std::size_t o = 0; o < outside; ++o) {
        const T* base = source + offsets_of(summed, summed_size - 1, o).in;
        for (std::size_t begin = 0; begin < last.extent; begin += terms) {
          const std::size_t end = last.extent - begin < terms ? last.extent : begin + terms;
          const bool more = adds || o > 0 || begin > 0;
          row.each(count, [&](auto j) VITRAIL_LAMBDA {
            L sum = get<L>(base + begin * last.in, j);
            for (std::size_t k = begin + 1; k < end; ++k) sum += get<L>(base + k * last.in, j);
            put<L>(target, j, sum, more);
          });
        }
      }
    } else if (last.in == 1 && last.extent >= lanes<L>::width) {
      for (std::size_t e = 0; e < count; ++e) {
        T sum = 0;
        for (std::size_t o = 0; o < outside; ++o) {
          const T* base = source + e * run.in + offsets_of(summed, summed_size - 1, o).in;
          sum += row.sum(last.extent, [&](auto j) VITRAIL_LAMBDA { return get<L>(base, j); });
        }
        // One thread of those that share a row on a GPU.
        row.each(1, [&](auto) VITRAIL_LAMBDA { target[e] = adds ? target[e] + sum : sum; });
      }
    } else {
      row.each(count, [&](auto j) VITRAIL_LAMBDA {
        for (std::size_t e = j.at; e < j.at + elements_of<L>(j); ++e) {
          T sum = 0;
          for (std::size_t o = 0; o < outside; ++o) {
            const T* base = source + e * run.in + offsets_of(summed, summed_size - 1, o).in;
            for (std::size_t k = 0; k < last.extent; ++k) sum += base[k * last.in];
          }
          target[e] = adds ? target[e] + sum : sum;
        }
      });
    }
  }
};

// The gradient of strided_copy(axes): to[..] = the sum of all from[..] that were copied from there, or +=.
template <class B, class T>
void strided_sum(const B& backend, const StridedAxes& axes, const T* from, T* to, bool adds) {
  StridedAxes kept, summed;
  for (const StridedAxis& axis : axes) {
    if (axis.in == 0) {
      summed.push_back({axis.extent, axis.out, 0});
    } else {
      kept.push_back(axis);
    }
  }
  kept = merged(reversed(kept));
  summed = merged(summed);
  if (kept.empty() || kept[kept.size() - 1].out != 1) kept.push_back({1, 1, 1});
  if (summed.empty()) summed.push_back({1, 1, 0});
  // 64: four cache lines of floats; a vector for all samples still gives work to several threads.
  StridedSum<T> sum{{}, {}, kept.size(), summed.size(), 64, from, to, adds};
  std::copy(kept.begin(), kept.end(), sum.kept);
  std::copy(summed.begin(), summed.end(), sum.summed);
  const std::size_t run = kept[kept.size() - 1].extent, pieces = (run + sum.piece - 1) / sum.piece;
  backend.rows(turns_of(kept.begin(), kept.size() - 1) * pieces,
               std::min(run, sum.piece) * turns_of(summed.begin(), summed.size()), sum);
}

}  // namespace vitrail::inline VITRAIL_TU::detail
