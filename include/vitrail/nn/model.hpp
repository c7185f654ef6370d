// model.hpp - the storage of a model: its structure apart, its values in two flat buffers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../backend/backend.hpp"
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
  const ParameterInfo* find(std::string_view path) const {
    for (const ParameterInfo& info : table) {
      if (info.path == path) return &info;
    }
    return nullptr;
  }
};

// Owns the values of a module M: `vt::Model<vt::ViT_B16<>> model(vt::seed{1})`. Frozen values may be shared by many models, so they
// are const; trainable ones are this model's own. Neither copied nor moved: the module points into the buffers.
template <class M>
class Model {
 public:
  using module = M;
  using policy = typename M::policy;
  using value = typename policy::value;
  using Backend = typename policy::backend;
  using Store = ParameterStore<value, typename Backend::memory>;

  // Initial values follow from the seed and the names alone, not from the backend.
  explicit Model(seed s = {}, vitrail::backend options = {}) : seed_(s), backend_(options) {
    auto frozen = std::make_shared<Store>();
    lay_out(*frozen, false);
    lay_out(trainable_, true);
    each_named_parameter(net_, "", [&](const std::string& path, auto& parameter) {
      using Q = std::remove_cvref_t<decltype(parameter)>;
      Store& store = Q::trainable ? trainable_ : *frozen;
      value* values = store.values.data() + store.find(path)->offset;
      std::vector<value> start(Q::shape::size);
      const RandomStream stream{s.value, 0, site_of(path)};
      for (std::size_t i = 0; i < start.size(); ++i) start[i] = static_cast<value>(Q::initial::at(stream, i));
      Backend::memory::copy(values, start.data(), start.size() * sizeof(value));
      parameter.data = values;
    });
    number_slots(net_);
    frozen_ = std::move(frozen);
  }
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const M& net() const { return net_; }
  const Backend& backend() const { return backend_; }
  std::uint64_t random_seed() const { return seed_.value; }
  Store& trainable() { return trainable_; }
  const Store& trainable() const { return trainable_; }
  const Store& frozen() const { return *frozen_; }

  // Calls f(info, values, trainable) for every parameter, in the order of the module.
  template <class F>
  void each_parameter(const F& f) const {
    each_named_parameter(net_, "", [&](const std::string& path, const auto& parameter) {
      const bool trains = std::remove_cvref_t<decltype(parameter)>::trainable;
      f(*(trains ? trainable_ : *frozen_).find(path), parameter.data, trains);
    });
  }
  // Replaces the values of all parameters: fill(info, destination). If it throws, nothing has changed.
  template <class F>
  void assign(const F& fill) {
    auto frozen = std::make_shared<Store>(Store{frozen_->table, frozen_->offsets, frozen_->values.copy()});
    Buffer<value, typename Backend::memory> trainable = trainable_.values.copy();
    for (const ParameterInfo& info : frozen->table) fill(info, frozen->values.data() + info.offset);
    for (const ParameterInfo& info : trainable_.table) fill(info, trainable.data() + info.offset);
    Backend::memory::copy(trainable_.values.data(), trainable.data(), trainable.size() * sizeof(value));
    frozen_ = std::move(frozen);
    each_named_parameter(net_, "", [&](const std::string& path, auto& parameter) {
      if constexpr (!std::remove_cvref_t<decltype(parameter)>::trainable) {
        parameter.data = frozen_->values.data() + frozen_->find(path)->offset;
      }
    });
    ++version_;
  }
  // Counts the changes of the values, so that what is derived from them (packed weights) knows when it is stale.
  std::uint64_t version() const { return version_; }
  void values_changed() { ++version_; }

 private:
  void lay_out(Store& store, bool trainable) {
    std::size_t size = 0;
    each_named_parameter(net_, "", [&](const std::string& path, auto& parameter) {
      using Q = std::remove_cvref_t<decltype(parameter)>;
      if (Q::trainable != trainable) return;
      if (store.find(path)) throw error("Model: two parameters are named " + path);
      store.table.push_back({path, {Q::shape::dims.begin(), Q::shape::dims.end()}, size, Q::shape::size, Q::decays});
      store.offsets.push_back(size);
      size += Backend::memory::round_up(Q::shape::size * sizeof(value)) / sizeof(value);
    });
    store.values = Buffer<value, typename Backend::memory>(size);
  }

  M net_{};
  seed seed_;
  Backend backend_;
  Store trainable_;
  std::shared_ptr<const Store> frozen_;
  std::uint64_t version_ = 0;
};

}  // namespace vitrail::inline VITRAIL_TU
