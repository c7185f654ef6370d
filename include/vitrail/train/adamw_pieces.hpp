// adamw_pieces.hpp - AdamW's update of all parameters as one program, for a device: there hundreds of small calls cost
// more than the update.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "../backend/rows.hpp"
#include "adamw_update.hpp"

namespace vitrail::inline VITRAIL_TU::detail {

// Neighbouring elements that are treated alike.
template <class T>
struct AdamWPiece {
  std::size_t begin, count;
  T rate;   // its learning rate is the optimiser's, times this
  T decay;  // weight decay counts, times this: 0 or 1
};
inline constexpr std::size_t adamw_piece = 2048;

// A row is a piece.
template <class T>
struct AdamWPieces {
  using value = T;
  static constexpr bool is_minor = true;
  const AdamWPiece<T>* pieces;
  AdamWUpdate<T> whole;  // of the flat buffers; its keep is not used
  T shrink;              // learning rate * weight decay

  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const AdamWPiece<T> piece = pieces[r];
    AdamWUpdate<T> update = whole;
    update.weight += piece.begin, update.first += piece.begin, update.second += piece.begin;
    update.gradient += piece.begin;
    update.keep = T(1) - shrink * piece.rate * piece.decay;
    update.step = whole.step * piece.rate;
    row.each(piece.count, [&](auto j) VITRAIL_LAMBDA { update.template at<L>(j); });
  }
};

// The pieces of those parameters of a table for which reached(k), with the rates rate_of(k).
template <class T, class Table, class Reached, class Rate>
std::vector<AdamWPiece<T>> adamw_pieces(const Table& table, const Reached& reached, const Rate& rate_of) {
  std::vector<AdamWPiece<T>> pieces;
  for (std::size_t k = 0; k < table.size(); ++k) {
    if (!reached(k)) continue;
    for (std::size_t at = 0; at < table[k].size; at += adamw_piece) {
      pieces.push_back({table[k].offset + at, std::min(adamw_piece, table[k].size - at), static_cast<T>(rate_of(k)),
                        T(table[k].decays ? 1 : 0)});
    }
  }
  return pieces;
}

}  // namespace vitrail::inline VITRAIL_TU::detail
