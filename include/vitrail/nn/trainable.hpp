// trainable.hpp - the parameters of a module that train, as a list of types: what an optimiser will be given, for a
// static_assert.
//
// `visit` calls a function and gives nothing back, so the types of a module's parameters cannot be had from it, only
// values: one walk in a constant notes path and shape of each, and the list is made of those. That costs one walk per
// module (not one per parameter), and the path says which parameter is meant, which Parameter's own type does not.
#pragma once

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../error.hpp"
#include "../shape/fixed_string.hpp"
#include "../shape/shape.hpp"
#include "module.hpp"

namespace vitrail::inline VITRAIL_TU {

template <class... T>
struct TypeList {
  static constexpr std::size_t size = sizeof...(T);
};
// One parameter that trains. Decays is left out where it is as usual: weights decay, vectors do not.
template <FixedString Path, class S, bool Decays = (S::rank > 1)>
struct Trainable {
  using shape = S;
  static constexpr bool decays = Decays;
  static constexpr std::string_view path = Path.view();
};

namespace detail {

inline constexpr std::size_t max_path = 128, max_rank = 8;

struct PathText {
  char characters[max_path] = {};
  std::size_t length = 0;

  constexpr void put(char c) {
    if (length == max_path) throw error("trainable_parameters: a path is longer than 128 characters");
    characters[length++] = c;
  }
  constexpr void join(const char* name) {
    if (length && *name) put('.');
    for (; *name; ++name) put(*name);
  }
  constexpr void join(std::size_t number) {
    if (length) put('.');
    std::size_t unit = 1;
    while (number / unit >= 10) unit *= 10;
    for (; unit; unit /= 10) put(static_cast<char>('0' + number / unit % 10));
  }
};
struct TrainableRecord {
  PathText path;
  std::size_t dims[max_rank] = {}, rank = 0;
  bool decays = false;
};
template <std::size_t N>
struct TrainableRecords {
  TrainableRecord at[N ? N : 1];
};
template <class M>
constexpr void record_trainable(const M& module, const PathText& path, TrainableRecord*& to) {
  M::visit(module, [&](auto name, const auto& member) {
    using Q = std::remove_cvref_t<decltype(member)>;
    PathText full = path;
    full.join(name);
    if constexpr (!is_parameter<Q>) {
      record_trainable(member, full, to);
    } else if constexpr (Q::trainable) {
      static_assert(Q::shape::rank <= max_rank, "trainable_parameters: a parameter has more than 8 axes");
      to->path = full;
      to->decays = Q::decays;
      for (const std::size_t extent : Q::shape::dims) to->dims[to->rank++] = extent;
      ++to;
    }
  });
}
template <class M>
constexpr std::size_t trainable_tensors() {
  M module{};
  return number_slots(module);
}
template <class M>
constexpr auto trainable_records() {
  TrainableRecords<trainable_tensors<M>()> records;
  TrainableRecord* to = records.at;
  record_trainable(M{}, PathText(), to);
  return records;
}

template <class M>
struct TrainableList {
  static constexpr auto records = trainable_records<M>();

  template <std::size_t I>
  static constexpr auto path() {
    constexpr std::size_t length = records.at[I].path.length;
    char text[length + 1] = {};
    for (std::size_t i = 0; i < length; ++i) text[i] = records.at[I].path.characters[i];
    return FixedString<length + 1>(text);
  }
  template <std::size_t I, std::size_t... Axis>
  static auto entry(std::index_sequence<Axis...>)
      -> Trainable<path<I>(), Shape<records.at[I].dims[Axis]...>, records.at[I].decays>;
  template <std::size_t... I>
  static auto list(std::index_sequence<I...>)
      -> TypeList<decltype(entry<I>(std::make_index_sequence<records.at[I].rank>()))...>;
};

}  // namespace detail

// A TypeList of a Trainable for every parameter of M that trains, in the order of visit, which is that of its slots and
// of the optimiser's moments.
template <class M>
using trainable_parameters =
    decltype(detail::TrainableList<M>::list(std::make_index_sequence<detail::trainable_tensors<M>()>()));

}  // namespace vitrail::inline VITRAIL_TU
