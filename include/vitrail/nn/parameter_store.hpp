// parameter_store.hpp - flat buffers of parameters, and how the parameters of a module find their place in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "../backend/memory.hpp"
#include "../backend/philox.hpp"
#include "../backend/planned_memory.hpp"
#include "../error.hpp"
#include "initial.hpp"
#include "module.hpp"

namespace vitrail::inline VITRAIL_TU {

// Where a parameter lies in its flat buffer.
struct ParameterInfo {
  std::string path;                // "blocks.3.attn.qkv.weight"
  std::vector<std::size_t> shape;  // as in a checkpoint
  std::size_t offset = 0, size = 0;
  bool decays = false;
  double rate = 1;  // the optimiser's learning rate, times this
};

// A flat buffer of parameters and its table. Optimiser moments and gradients are buffers parallel to the trainable one.
template <class T, class Memory>
struct ParameterStore {
  std::vector<ParameterInfo> table;
  std::vector<std::size_t> offsets;  // of table's entries, which are in the order of their slots
  Buffer<T, Memory> values;

  // Elements, the padding between parameters included: each starts at a multiple of the alignment.
  std::size_t size() const { return values.size(); }
};

namespace detail {

// A parameter of a module with its type erased: one walk over the module, and everything else is code shared by all
// modules.
template <class T>
struct ParameterEntry {
  ParameterInfo info;
  bool trainable = false, statistic = false;
  bool anew = false;  // it does not take its start from a base
  double (*initial)(const RandomStream&, std::size_t) = nullptr;
  const T** data = nullptr;  // in the module
  bool frozen() const { return !trainable && !statistic; }
};
inline std::string spelled_extents(const std::vector<std::size_t>& shape) {
  std::string text = "[";
  for (const std::size_t extent : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}
// Values of a module that follow from others: sets them.
template <class Backend, class Store>
struct DerivedValues {
  void* module;
  void (*set)(void* module, const Backend& backend, Store& trainable);
};
template <class Q>
concept derives_values = bool(Q::derives);
template <class T, class M, class Backend, class Store>
std::vector<ParameterEntry<T>> entries_of(M& module, std::vector<NamedModule>& modules,
                                          std::vector<DerivedValues<Backend, Store>>& derived) {
  std::vector<ParameterEntry<T>> entries;
  modules.push_back({"", id_of(module)});
  each_named_member(module, "", [&](const std::string& path, auto& member) {
    using Q = std::remove_cvref_t<decltype(member)>;
    if constexpr (is_parameter<Q>) {
      constexpr auto& dims = Q::shape::dims;
      entries.push_back({{path, {dims.begin(), dims.end()}, 0, Q::shape::size, Q::decays},
                         Q::trainable,
                         is_statistic<Q>,
                         initial::is_anew<typename Q::initial>,
                         &Q::initial::at,
                         &member.data});
    } else {
      modules.push_back({path, id_of(std::as_const(member))});
      if constexpr (derives_values<Q>) {
        derived.push_back({&member, [](void* self, const Backend& backend, Store& trainable) {
                             Q::derive(*static_cast<Q*>(self), backend, trainable);
                           }});
      }
    }
  });
  return entries;
}

template <class T>
void check_names(const std::vector<ParameterEntry<T>>& entries) {
  std::unordered_set<std::string> paths;
  for (const ParameterEntry<T>& entry : entries) {
    if (!paths.insert(entry.info.path).second) throw error("Model: two parameters are named " + entry.info.path);
  }
}
// Elements of a store of those parameters that `belongs`, a member of ParameterEntry, is true of: each starts at a
// multiple of the alignment.
template <class Memory, class T, class Belongs>
std::size_t stored_size(const std::vector<ParameterEntry<T>>& entries, const Belongs& belongs) {
  std::size_t size = 0;
  for (const ParameterEntry<T>& entry : entries) {
    if (std::invoke(belongs, entry)) size += Memory::round_up(entry.info.size * sizeof(T)) / sizeof(T);
  }
  return size;
}
// Throws error if a device has too little memory for the stores of a model, frozen parameters included or not.
template <class Backend, class T>
void check_room(const Backend& backend, const char* who, const std::vector<ParameterEntry<T>>& entries,
                bool with_frozen) {
  using Entry = ParameterEntry<T>;
  const auto bytes = [&](const auto& belongs) {
    return stored_size<typename Backend::memory>(entries, belongs) * sizeof(T);
  };
  check_planned_on(backend, who,
                   {{"trainable parameters", bytes(&Entry::trainable)},
                    {"frozen parameters", with_frozen ? bytes(&Entry::frozen) : 0},
                    {"running statistics", bytes(&Entry::statistic)}});
}
// Gives those parameters a place in the store that `belongs` is true of, in the order of the module.
template <class T, class Memory, class Belongs>
void lay_out(std::vector<ParameterEntry<T>>& entries, ParameterStore<T, Memory>& store, const Belongs& belongs) {
  std::size_t size = 0;
  for (ParameterEntry<T>& entry : entries) {
    if (!std::invoke(belongs, entry)) continue;
    entry.info.offset = size;
    size += Memory::round_up(entry.info.size * sizeof(T)) / sizeof(T);
    store.table.push_back(entry.info);
    store.offsets.push_back(entry.info.offset);
  }
  store.values = Buffer<T, Memory>(size);
}
// The parameters of a base by their names. Throws error with a line for each that does not fit: a frozen one that the
// base lacks, one of another shape, one of the base that has no place in the module.
template <class T>
std::unordered_map<std::string_view, const ParameterInfo*> match_base(const std::vector<ParameterEntry<T>>& entries,
                                                                      const std::vector<ParameterInfo>& base) {
  std::unordered_map<std::string_view, const ParameterInfo*> found;
  for (const ParameterInfo& info : base) found.emplace(info.path, &info);
  std::unordered_set<std::string_view> names;
  std::string problems;
  for (const ParameterEntry<T>& entry : entries) {
    names.insert(entry.info.path);
    const auto at = found.find(entry.info.path);
    if (at == found.end() ? entry.trainable || entry.statistic : entry.anew || at->second->shape == entry.info.shape)
      continue;
    problems += "\n  " + entry.info.path + ": expected " + spelled_extents(entry.info.shape) +
                (at == found.end() ? ", not in the base" : ", found " + spelled_extents(at->second->shape));
  }
  for (const ParameterInfo& info : base) {
    if (!names.contains(info.path)) problems += "\n  " + info.path + ": in the base, but no parameter of the model";
  }
  if (!problems.empty()) throw error("Model: the base does not fit:" + problems);
  return found;
}
template <class T, class Memory>
void initialise(const ParameterEntry<T>& entry, std::uint64_t seed, T* to) {
  std::vector<T> start(entry.info.size);
  const RandomStream stream{seed, 0, site_of(entry.info.path)};
  for (std::size_t i = 0; i < start.size(); ++i) start[i] = static_cast<T>(entry.initial(stream, i));
  Memory::copy(to, start.data(), start.size() * sizeof(T));
}

}  // namespace detail

}  // namespace vitrail::inline VITRAIL_TU
