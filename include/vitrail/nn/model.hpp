// model.hpp - the storage of a model: its structure apart, its values in flat buffers, one of those that train, one of
// those that are frozen, and one of running statistics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include "../backend/backend.hpp"
#include "../backend/philox.hpp"
#include "../error.hpp"
#include "module.hpp"

namespace vitrail::inline VITRAIL_TU {

struct seed {
  std::uint64_t value = 0;
};

// Where a parameter lies in its flat buffer.
struct ParameterInfo {
  std::string path;                // "blocks.3.attn.qkv.weight"
  std::vector<std::size_t> shape;  // as in a checkpoint
  std::size_t offset = 0, size = 0;
  bool decays = false;
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
  double (*initial)(const RandomStream&, std::size_t) = nullptr;
  const T** data = nullptr;  // in the module
};
template <class T, class M>
std::vector<ParameterEntry<T>> entries_of(M& module, std::vector<NamedModule>& modules) {
  std::vector<ParameterEntry<T>> entries;
  modules.push_back({"", id_of(module)});
  each_named_member(module, "", [&](const std::string& path, auto& member) {
    using Q = std::remove_cvref_t<decltype(member)>;
    if constexpr (is_parameter<Q>) {
      constexpr auto& dims = Q::shape::dims;
      entries.push_back({{path, {dims.begin(), dims.end()}, 0, Q::shape::size, Q::decays},
                         Q::trainable,
                         is_statistic<Q>,
                         &Q::initial::at,
                         &member.data});
    } else {
      modules.push_back({path, id_of(std::as_const(member))});
    }
  });
  return entries;
}

// Gives every parameter its place, in the order of the module: each kind in a store of its own.
template <class T, class Memory>
void lay_out(std::vector<ParameterEntry<T>>& entries, ParameterStore<T, Memory>& trainable,
             ParameterStore<T, Memory>& frozen, ParameterStore<T, Memory>& statistics) {
  std::unordered_set<std::string> paths;
  ParameterStore<T, Memory>* stores[] = {&trainable, &frozen, &statistics};
  std::size_t sizes[3] = {};
  for (ParameterEntry<T>& entry : entries) {
    if (!paths.insert(entry.info.path).second) throw error("Model: two parameters are named " + entry.info.path);
    const std::size_t kind = entry.trainable ? 0 : entry.statistic ? 2 : 1;
    entry.info.offset = sizes[kind];
    sizes[kind] += Memory::round_up(entry.info.size * sizeof(T)) / sizeof(T);
    stores[kind]->table.push_back(entry.info);
    stores[kind]->offsets.push_back(entry.info.offset);
  }
  for (std::size_t kind = 0; kind < 3; ++kind) stores[kind]->values = Buffer<T, Memory>(sizes[kind]);
}
template <class T, class Memory>
void initialise(const ParameterEntry<T>& entry, std::uint64_t seed, T* to) {
  std::vector<T> start(entry.info.size);
  const RandomStream stream{seed, 0, site_of(entry.info.path)};
  for (std::size_t i = 0; i < start.size(); ++i) start[i] = static_cast<T>(entry.initial(stream, i));
  Memory::copy(to, start.data(), start.size() * sizeof(T));
}

}  // namespace detail

// Owns the values of a module M: `vt::Model<vt::ViT_B16<>> model(vt::seed{1})`. Frozen values may be shared by many
// models, so they are const; trainable ones are this model's own. Neither copied nor moved: the module points into the
// buffers.
template <class M>
class Model {
 public:
  using module = M;
  using policy = typename M::policy;
  using value = typename policy::value;
  using Backend = typename policy::backend;
  using Memory = typename Backend::memory;
  using Store = ParameterStore<value, Memory>;

  // Initial values follow from the seed and the names alone, not from the backend.
  explicit Model(seed s = {}, vitrail::backend options = {})
      : Model([](const ParameterInfo&, value*) { return false; }, s, options) {}
  // Values that exist already: fill(info, to) writes info.size of them, or returns false for a parameter that gets its
  // initial ones. Nothing is computed for the others, and nothing is left when fill throws.
  template <class Fill>
  requires std::is_invocable_r_v<bool, const Fill&, const ParameterInfo&, value*>
  explicit Model(const Fill& fill, seed s = {}, vitrail::backend options = {})
      : seed_(s), backend_(options), entries_(detail::entries_of<value>(net_, modules_)) {
    auto frozen = std::make_shared<Store>();
    detail::lay_out(entries_, trainable_, *frozen, statistics_);
    for (const auto& entry : entries_) {
      Store& store = entry.trainable ? trainable_ : entry.statistic ? statistics_ : *frozen;
      value* to = store.values.data() + entry.info.offset;
      if (!fill(entry.info, to)) detail::initialise<value, Memory>(entry, s.value, to);
      *entry.data = to;
    }
    number_slots(net_);
    frozen_ = std::move(frozen);
  }
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // Names and shapes of all parameters, without values.
  static std::vector<ParameterInfo> parameters() {
    M net{};
    std::vector<NamedModule> modules;
    std::vector<ParameterInfo> all;
    for (auto& entry : detail::entries_of<value>(net, modules)) all.push_back(std::move(entry.info));
    return all;
  }

  const M& net() const { return net_; }
  // All modules, itself first under the empty path.
  const std::vector<NamedModule>& modules() const { return modules_; }
  const Backend& backend() const { return backend_; }
  std::uint64_t random_seed() const { return seed_.value; }
  // Who writes to the values calls values_changed() afterwards.
  Store& trainable() {
    check_values();
    return trainable_;
  }
  const Store& trainable() const {
    check_values();
    return trainable_;
  }
  const Store& frozen() const {
    check_values();
    return *frozen_;
  }
  // The running statistics of its norms. A training step moves them: it calls set_statistics, with as many values.
  const Store& statistics() const { return statistics_; }
  void set_statistics(const value* values) {
    if (statistics_.size() == 0) return;
    Memory::copy(statistics_.values.data(), values, statistics_.size() * sizeof(value));
    ++version_;
  }

  // Calls f(info, values, trainable) for every parameter and running statistic, in the order of the module. Throws
  // error if values were discarded.
  template <class F>
  void each_parameter(const F& f) const {
    check_values();
    for (const auto& entry : entries_) f(entry.info, *entry.data, entry.trainable);
  }
  // Replaces the values of all parameters and running statistics: fill(info, destination). If it throws, nothing has
  // changed.
  template <class F>
  void assign(const F& fill) {
    check_values();
    auto frozen = std::make_shared<Store>(Store{frozen_->table, frozen_->offsets, frozen_->values.copy()});
    Buffer<value, Memory> trainable = trainable_.values.copy(), statistics = statistics_.values.copy();
    for (const auto& entry : entries_) {
      auto& values = entry.trainable ? trainable : entry.statistic ? statistics : frozen->values;
      fill(entry.info, values.data() + entry.info.offset);
    }
    Memory::copy(trainable_.values.data(), trainable.data(), trainable.size() * sizeof(value));
    Memory::copy(statistics_.values.data(), statistics.data(), statistics.size() * sizeof(value));
    for (const auto& entry : entries_) {
      if (!entry.trainable && !entry.statistic) *entry.data = frozen->values.data() + entry.info.offset;
    }
    frozen_ = std::move(frozen);
    ++version_;
  }
  // For an owner of the model who keeps some values in another layout and needs these no more: calls
  // takes(info, values) for every parameter that is this model's alone, and gives the memory back where it returns
  // true. The addresses stay.
  template <class F>
  void discard(const F& takes) {
    check_values();
    for (const auto& entry : entries_) {
      const bool shared = !entry.trainable && frozen_.use_count() > 1;
      if (shared || !takes(entry.info, *entry.data)) continue;
      discarded_ = true;
      if constexpr (requires(void* p) { Memory::discard(p, std::size_t()); }) {
        Memory::discard(const_cast<value*>(*entry.data), entry.info.size * sizeof(value));
      }
    }
  }
  // Counts the changes of the values, so that what is derived from them (packed weights) knows when it is stale.
  std::uint64_t version() const { return version_; }
  void values_changed() { ++version_; }

 private:
  void check_values() const {
    if (discarded_) throw error("Model: its values were discarded, they are only in its predictor");
  }

  M net_{};
  seed seed_;
  Backend backend_;
  std::vector<NamedModule> modules_;
  std::vector<detail::ParameterEntry<value>> entries_;
  Store trainable_, statistics_;
  std::shared_ptr<const Store> frozen_;
  std::uint64_t version_ = 0;
  bool discarded_ = false;
};

}  // namespace vitrail::inline VITRAIL_TU
