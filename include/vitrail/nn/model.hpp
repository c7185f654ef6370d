// model.hpp - the storage of a model: its structure apart, its values in flat buffers, one of those that train, one of
// those that are frozen, and one of running statistics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "../backend/backend.hpp"
#include "../backend/values.hpp"
#include "module.hpp"
#include "parameter_store.hpp"

namespace vitrail::inline VITRAIL_TU {

struct seed {
  std::uint64_t value = 0;
};

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
  explicit Model(const Fill& fill, seed s = {}, vitrail::backend options = {}) : Model(s, options, Frozen::own) {
    auto frozen = std::make_shared<Store>();
    detail::lay_out(entries_, *frozen, &Entry::frozen);
    for (const auto& entry : entries_) {
      Store& store = entry.trainable ? trainable_ : entry.statistic ? statistics_ : *frozen;
      value* to = store.values.data() + entry.info.offset;
      const bool filled =
          detail::fill_from_host<Memory>(to, entry.info.size, [&](value* host) { return fill(entry.info, host); });
      if (!filled) detail::initialise<value, Memory>(entry, s.value, to);
      *entry.data = to;
    }
    frozen_ = std::move(frozen);
    derive();
    if (derived_.empty()) return;
    for (const auto& entry : entries_) {  // values that exist are no start
      Store& store = entry.trainable ? trainable_ : statistics_;
      if (!entry.trainable && !entry.statistic) continue;
      detail::fill_from_host<Memory>(store.values.data() + entry.info.offset, entry.info.size,
                                     [&](value* host) { return fill(entry.info, host); });
    }
  }
  // On a base, the values of another model (shared_values()), which are used in place and never changed: any number of
  // models may share them. A frozen parameter is the base's of the same name and shape. A trainable one starts as that,
  // unless the tuning starts it anew, as do running statistics; one that the base does not have, as without a base.
  // Throws error with a line for each name and shape that does not fit.
  explicit Model(std::shared_ptr<const Store> base, seed s = {}, vitrail::backend options = {})
      : Model(s, options, Frozen::shared) {
    frozen_ = std::move(base);
    start_on_base();
  }
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  // Names and shapes of all parameters, without values.
  static std::vector<ParameterInfo> parameters() {
    M net{};
    std::vector<NamedModule> modules;
    std::vector<detail::DerivedValues<Backend, Store>> derived;
    std::vector<ParameterInfo> all;
    for (auto& entry : detail::entries_of<value>(net, modules, derived)) all.push_back(std::move(entry.info));
    return all;
  }

  const M& net() const { return net_; }
  // All modules, itself first under the empty path.
  const std::vector<NamedModule>& modules() const { return modules_; }
  const Backend& backend() const { return backend_; }
  const vitrail::backend& backend_options() const { return options_; }
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
    detail::copy_values(backend_, statistics_.values.data(), values, statistics_.size());
    ++version_;
  }

  // All values by their names, for models that are built on them: constant, so that the training of this one does not
  // reach those. Frozen ones alone are shared as they are; if some train, all are copied, once for each version.
  std::shared_ptr<const Store> shared_values() const {
    if (trainable_.table.empty() && frozen_->table.size() == entries_.size()) return frozen_;
    const std::lock_guard lock(snapshot_mutex_);
    auto values = snapshot_.lock();
    if (values && snapshot_version_ == version_) return values;
    detail::use_device(backend_);
    detail::check_room(backend_, "Model::shared_values", entries_, true);
    auto fresh = std::make_shared<Store>();
    auto entries = entries_;
    detail::lay_out(entries, *fresh, [](const auto&) { return true; });
    for (const auto& entry : entries) {
      Memory::copy(fresh->values.data() + entry.info.offset, *entry.data, entry.info.size * sizeof(value));
    }
    snapshot_ = fresh;
    snapshot_version_ = version_;
    return fresh;
  }

  // Calls f(info, values, trainable) for every parameter and running statistic, in the order of the module. Throws
  // error if values were discarded.
  template <class F>
  void each_parameter(const F& f) const {
    check_values();
    for (const auto& entry : entries_) f(entry.info, *entry.data, entry.trainable);
  }
  // Replaces the values of all parameters and running statistics: fill(info, destination in the host's memory). If it
  // throws, or a device has no memory for frozen values beside those that others may share, nothing has changed.
  template <class F>
  void assign(const F& fill) {
    check_values();
    detail::use_device(backend_);
    detail::check_planned_on(backend_, "Model::assign", {{"frozen parameters", frozen_->size() * sizeof(value)}});
    Buffer<value> own = detail::host_copy(frozen_->values), trainable = detail::host_copy(trainable_.values),
                  statistics = detail::host_copy(statistics_.values);
    for (const auto& entry : entries_) {
      auto& values = entry.trainable ? trainable : entry.statistic ? statistics : own;
      fill(entry.info, values.data() + entry.info.offset);
    }
    auto frozen =
        std::make_shared<Store>(Store{frozen_->table, frozen_->offsets, detail::placed_in<Memory>(std::move(own))});
    Memory::copy(trainable_.values.data(), trainable.data(), trainable.size() * sizeof(value));
    Memory::copy(statistics_.values.data(), statistics.data(), statistics.size() * sizeof(value));
    for (const auto& entry : entries_) {
      if (!entry.trainable && !entry.statistic) *entry.data = frozen->values.data() + entry.info.offset;
    }
    frozen_ = std::move(frozen);
    ++version_;
  }
  // The same for those that train; the frozen ones stay shared.
  template <class F>
  void assign_trainable(const F& fill) {
    check_values();
    detail::use_device(backend_);
    Buffer<value> trainable = detail::host_copy(trainable_.values);
    for (const auto& entry : entries_) {
      if (entry.trainable) fill(entry.info, trainable.data() + entry.info.offset);
    }
    Memory::copy(trainable_.values.data(), trainable.data(), trainable.size() * sizeof(value));
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
  using Entry = detail::ParameterEntry<value>;
  // Everything but the values and the frozen store, which will be its own or a base's.
  enum class Frozen { own, shared };
  Model(seed s, vitrail::backend options, Frozen frozen)
      : seed_(s), options_(options), backend_(options), entries_(detail::entries_of<value>(net_, modules_, derived_)) {
    detail::check_names(entries_);
    detail::check_room(backend_, "Model", entries_, frozen == Frozen::own);
    detail::lay_out(entries_, trainable_, &Entry::trainable);
    detail::lay_out(entries_, statistics_, &Entry::statistic);
    number_slots(net_);
  }
  void derive() {
    for (const auto& values : derived_) values.set(values.module, backend_, trainable_);
  }
  void start_on_base() {
    const auto in_base = detail::match_base(entries_, frozen_->table);
    const value* base = frozen_->values.data();
    for (auto& entry : entries_) {
      if (entry.trainable || entry.statistic) {
        value* to = (entry.trainable ? trainable_ : statistics_).values.data() + entry.info.offset;
        detail::initialise<value, Memory>(entry, seed_.value, to);
        *entry.data = to;
      } else {
        entry.info.offset = in_base.at(entry.info.path)->offset;
        *entry.data = base + entry.info.offset;
      }
    }
    derive();
    for (const auto& entry : entries_) {
      const auto found = in_base.find(entry.info.path);
      if (!(entry.trainable || entry.statistic) || entry.anew || found == in_base.end()) continue;
      Memory::copy((entry.trainable ? trainable_ : statistics_).values.data() + entry.info.offset,
                   base + found->second->offset, entry.info.size * sizeof(value));
    }
  }

  M net_{};
  seed seed_;
  vitrail::backend options_;
  Backend backend_;
  std::vector<NamedModule> modules_;
  std::vector<detail::DerivedValues<Backend, Store>> derived_;
  std::vector<Entry> entries_;
  Store trainable_, statistics_;
  std::shared_ptr<const Store> frozen_;
  std::uint64_t version_ = 0;
  bool discarded_ = false;
  mutable std::mutex snapshot_mutex_;
  mutable std::weak_ptr<const Store> snapshot_;
  mutable std::uint64_t snapshot_version_ = 0;
};

}  // namespace vitrail::inline VITRAIL_TU
