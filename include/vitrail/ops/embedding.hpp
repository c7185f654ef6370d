// embedding.hpp - rows of a table by their numbers. torch.nn.functional.embedding.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <type_traits>

#include "../autodiff/driver.hpp"
#include "../backend/rows.hpp"
#include "../error.hpp"
#include "../expr/expression.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// A row is one sample.
template <class T>
struct TakeRows {
  using value = T;
  static constexpr bool is_minor = true;
  std::size_t width;
  const int* indices;
  const T* table;
  T* to;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const T* source = table + static_cast<std::size_t>(indices[r]) * width;
    T* target = to + r * width;
    row.each(width, [&](auto j) VITRAIL_LAMBDA { put<L>(target, j, get<L>(source, j)); });
  }
};
// A row is a piece of the columns of the whole table: one thread adds all samples to it, in their order, so that the
// bits do not depend on the threads and nothing need be atomic.
template <class T>
struct AddToRows {
  using value = T;
  static constexpr bool is_minor = true;
  std::size_t width, piece, entries, samples;
  const int* indices;
  const T* from;
  T* table;
  bool adds;
  template <class R>
  VITRAIL_FUNCTION void row(R row, std::size_t r) const {
    using L = typename R::lane;
    const std::size_t first = r * piece, count = width - first < piece ? width - first : piece;
    for (std::size_t i = 0; i < entries && !adds; ++i) {
      T* target = table + i * width + first;
      row.each(count, [&](auto j) VITRAIL_LAMBDA { put<L>(target, j, constant<L>(0)); });
    }
    for (std::size_t s = 0; s < samples; ++s) {
      const T* source = from + s * width + first;
      T* target = table + static_cast<std::size_t>(indices[s]) * width + first;
      row.each(count, [&](auto j) VITRAIL_LAMBDA { put<L>(target, j, get<L>(source, j), true); });
    }
  }
};

inline void check_indices(const int* indices, std::size_t count, std::size_t entries, std::size_t per_sample) {
  for (std::size_t s = 0; s < count; ++s) {
    if (indices[s] >= 0 && static_cast<std::size_t>(indices[s]) < entries) continue;
    throw shape_error("embedding: expected an index in [0, " + std::to_string(entries) + "), found " +
                      std::to_string(indices[s]) + " for sample " + std::to_string(s / per_sample));
  }
}

}  // namespace detail

// Input: the table [V, D]; output [D] for each sample, or [Length, D] of a sequence.
template <class S, std::size_t Length = 1>
struct EmbeddingOp {
  static constexpr std::size_t V = S::dims[0], D = S::last;
  using shape = std::conditional_t<Length == 1, Shape<D>, Shape<Length, D>>;
  static constexpr const char* name = "embedding";
  static constexpr bool of_each_sample = true;
  const int* indices;

  template <class P>
  static constexpr Facts facts(std::array<bool, 1> tracked) {
    Facts f;
    f.backward_flops = tracked[0] ? shape::size : 0;
    return f;
  }
  template <class P>
  void forward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    a.backend->rows(a.count * Length, D, detail::TakeRows<T>{D, indices, a.in[0], a.out});
  }
  template <class P>
  void backward(const Arguments<P, 1>& a) const {
    using T = typename P::value;
    const auto& g = a.gradient[0];
    if (!g.wanted()) return;
    constexpr std::size_t piece = 64;  // four cache lines of floats
    a.backend->rows((D + piece - 1) / piece, piece * (a.count * Length + V),
                    detail::AddToRows<T>{D, piece, V, a.count * Length, indices, a.out_gradient, g.at, g.adds()});
  }
};

template <std::size_t Rank>
struct error_embedding_table_is_not_of_rank_2;
template <std::size_t V, std::size_t D>
struct error_embedding_table_is_not_one_for_the_whole_batch;

// One index for each sample and a table [V, D], a parameter or what is one for the whole batch -> [D]: row `index` of
// the table. Length indices for each sample -> [Length, D]. An index outside [0, V) throws shape_error.
template <class Context, std::size_t Length, Operand W>
constexpr auto embedding(const LabelsVar<Context, Length>& indices, W&& table) {
  const auto v = evaluate(static_cast<W&&>(table));
  using V = std::remove_cvref_t<decltype(v)>;
  using S = typename V::shape;
  if constexpr (S::rank != 2) {
    return refuse<error_embedding_table_is_not_of_rank_2<S::rank>>(indices.ctx);
  } else if constexpr (!is_one_for_all<V>()) {
    return refuse<error_embedding_table_is_not_one_for_the_whole_batch<S::rows, S::last>>(indices.ctx);
  } else {
    check_labels_of(indices, [](const int* all, std::size_t count) {
      detail::check_indices(all, count, S::rows, Length);
    });
    return apply(indices.ctx, EmbeddingOp<S, Length>{indices.data}, v);
  }
}

}  // namespace vitrail::inline VITRAIL_TU
