// predict.hpp - inference: the forward of a model in an arena of its own, with no gradients and nothing dropped.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "step.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// The weights of the products in the kernel's own layout, so that inference does not pack them anew in every call. Made
// again when the model's values have changed. A weight [out, ...] is packed as [out, in] with in = all further axes:
// that is what linear (two axes only) and patch_embedding multiply by.
template <class Model>
class PackedWeights {
 public:
  using value = typename Model::value;
  using Backend = typename Model::Backend;

  // A weight that was given another shape (vt::reshape) is another matrix unless it has as many rows.
  static const value* find(const void* self, const value* weight, std::size_t rows) {
    const auto& packed = static_cast<const PackedWeights*>(self)->packed_;
    const auto found = packed.find(weight);
    return found == packed.end() || found->second.rows != rows ? nullptr : found->second.values.data();
  }
  void update(const Model& model) {
    if (version_ == model.version() && !packed_.empty()) return;
    packed_.clear();
    model.each_parameter([&](const auto& info, const value* values, bool) { pack(model.backend(), info, values); });
    version_ = model.version();
  }
  // Packs the weights that are read in this layout only, one after the other, and discards the model's own values of
  // them: no more than one weight is there twice.
  void consume(Model& model, const std::vector<ParameterRead>& reads) {
    model.discard([&](const auto& info, const value* values) {
      std::size_t packed = 0, others = 0;
      for (const ParameterRead& read : reads) {
        if (read.values == values) ++(read.rows == info.shape[0] ? packed : others);
      }
      return packed > 0 && others == 0 && pack(model.backend(), info, values);
    });
    version_ = model.version();
  }

 private:
  // Whether it is a weight of a product.
  template <class Info>
  bool pack(const Backend& backend, const Info& info, const value* values) {
    if (info.shape.size() < 2 || info.shape[0] == 1) return false;
    const std::size_t out = info.shape[0], in = info.size / out;
    Buffer<value, typename Backend::memory> packed(backend.packed_size(out, in));
    backend.pack(out, in, values, packed.data());
    packed_.emplace(values, Packed{out, std::move(packed)});
    return true;
  }
  struct Packed {
    std::size_t rows;
    Buffer<value, typename Backend::memory> values;
  };
  std::unordered_map<const value*, Packed> packed_;
  std::uint64_t version_ = 0;
};
template <class Model>
concept PacksWeights = requires(const typename Model::Backend& b, const typename Model::value* from,
                                typename Model::value* to, std::size_t n) {
  { b.packed_size(n, n) } -> std::convertible_to<std::size_t>;
  b.pack(n, n, from, to);
};

}  // namespace detail

// Runs a model, or any callable f(net, x) of it, on batches of any size. The model must outlive it; its values may
// change in between (training goes on). One Predictor serves one thread at a time; several may share a model. Neither
// copied nor moved.
template <class Model, class F>
class Predictor {
 public:
  using policy = typename Model::policy;
  using value = typename policy::value;
  using input = typename Model::module::input;
  static constexpr bool packs = detail::PacksWeights<Model>;

  // `consumed`: null or the model itself, see consuming_predictor.
  explicit Predictor(const Model& model, F f = {}, Model* consumed = nullptr)
      : model_(&model),
        f_(std::move(f)),
        schedule_(std::make_unique<detail::Schedule>()),
        tape_(model.backend(), schedule_->trace, schedule_->plan) {
    Meta<policy, false> meta{&schedule_->trace};
    meta.scopes = &schedule_->scopes;
    std::vector<ParameterRead> reads;
    if (consumed) meta.reads = &reads;
    const auto out = detail::call_predictor(f_, model.net(), meta.template input<input, true>());
    result_ = out.id;
    keep(out);
    plan_step(schedule_->trace, -1, sizeof(value), schedule_->plan);
    paths_ = schedule_->scopes.paths(model.modules());
    tape_.set_paths(paths_);
    if constexpr (packs) {
      tape_.set_packed(&detail::PackedWeights<Model>::find, &packed_);
      if (consumed) packed_.consume(*consumed, reads);
    }
  }
  explicit Predictor(const Model&&, F = {}) = delete;  // a model that dies with the statement
  Predictor(const Predictor&) = delete;
  Predictor& operator=(const Predictor&) = delete;

  // The result for each sample, valid until the next call. An empty batch throws shape_error; other operations than
  // when the Predictor was made throw error.
  auto operator()(const BatchView<input, const value>& images) {
    detail::check_counts("predict", images.count(), images.count());
    if constexpr (packs) packed_.update(*model_);
    tape_.begin(images.count());
    const auto out = detail::call_predictor(f_, model_->net(), tape_.template input<input, true>(images.data()));
    tape_.check_end(out.id, result_);
    return detail::result_of(out, images.count());
  }
  template <SameMemoryAs<policy> Q>
  auto operator()(const Batch<input, Q>& images) {
    return (*this)(images.view());
  }

  void set_poison(bool on) { tape_.set_poison(on); }
  void set_timed(bool on) { tape_.set_timed(on); }
  const auto& timings() const { return tape_.timings(); }
  const Model& model() const { return *model_; }
  const Trace& trace() const { return schedule_->trace; }
  const Plan& plan() const { return schedule_->plan; }
  // By operation of the trace: the path of the module that it belongs to.
  const std::vector<std::string>& paths() const { return paths_; }
  std::size_t arena_bytes() const { return tape_.arena_bytes(); }

 private:
  struct Empty {};
  const Model* model_;
  F f_;
  std::unique_ptr<detail::Schedule> schedule_;
  Tape<policy, false> tape_;
  std::vector<std::string> paths_;
  int result_ = -1;
  std::conditional_t<packs, detail::PackedWeights<Model>, Empty> packed_;
};

namespace detail {
struct CallModel {
  constexpr auto operator()(const auto& net, const auto& x) const { return net(x); }
};
}  // namespace detail

// `auto predict = vt::predictor(model); auto logits = predict(batch);`
template <class Model>
auto predictor(const Model& model) {
  return Predictor<Model, detail::CallModel>(model);
}
template <class Model>
void predictor(const Model&&) = delete;
// The same for a model that is there for nothing else: weights move into the layout of the product kernel instead of
// being there twice. The model can then neither be saved, changed nor given to another predictor (they throw error).
template <class Model>
auto consuming_predictor(Model& model) {
  return Predictor<Model, detail::CallModel>(model, {}, &model);
}

}  // namespace vitrail::inline VITRAIL_TU
