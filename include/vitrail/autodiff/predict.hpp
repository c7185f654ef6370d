// predict.hpp - inference: the forward of a model in an arena of its own, with no gradients and nothing dropped.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "step.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

// The weights of the products in the kernel's own layout, so that inference does not pack them anew in every call.
// Packed when an operation asks first, and again when the model's values have changed. A weight [out, ...] is packed as
// [out, in] with in = all further axes: that is what linear (two axes only) and patch_embedding multiply by.
template <class Model>
class PackedWeights {
 public:
  using value = typename Model::value;
  using Backend = typename Model::Backend;

  // A weight that was given another shape (vt::reshape) is another matrix unless it has as many rows.
  static const value* find(void* self, const value* weight, std::size_t rows) {
    auto& all = *static_cast<PackedWeights*>(self);
    const auto found = all.packed_.find(weight);
    if (found == all.packed_.end() || found->second.out != rows) return nullptr;
    if (found->second.version != all.version_) all.pack(weight, found->second);
    return found->second.values.data();
  }
  void update(const Model& model) {
    if (backend_ && version_ == model.version()) return;
    backend_ = &model.backend();
    version_ = model.version();
    std::unordered_map<const value*, Packed> now;  // frozen values may lie elsewhere
    model.each_parameter([&](const auto& info, const value* values, bool) {
      if (!is_weight(info)) return;
      const std::size_t out = info.shape[0], in = info.size / out;
      const auto before = packed_.find(values);
      const bool known = before != packed_.end() && before->second.out == out && before->second.in == in;
      now.emplace(values, known ? std::move(before->second) : Packed{out, in});
    });
    packed_ = std::move(now);
  }
  // Packs the weights that are read in this layout only, one after the other, and discards the model's own values of
  // them: no more than one weight is there twice.
  void consume(Model& model, const std::vector<ParameterRead>& reads) {
    backend_ = &model.backend();
    version_ = model.version();
    model.discard([&](const auto& info, const value* values) {
      std::size_t packed = 0, others = 0;
      for (const ParameterRead& read : reads) {
        if (read.values == values) ++(read.rows == info.shape[0] ? packed : others);
      }
      if (packed == 0 || others > 0 || !is_weight(info)) return false;
      pack(values, packed_.emplace(values, Packed{info.shape[0], info.size / info.shape[0]}).first->second);
      return true;
    });
  }

 private:
  struct Packed {
    std::size_t out = 0, in = 0;
    std::uint64_t version = static_cast<std::uint64_t>(-1);  // of the model, when it was packed
    Buffer<value, typename Backend::memory> values = {};
  };
  // Of a product.
  template <class Info>
  static bool is_weight(const Info& info) {
    return info.shape.size() > 1 && info.shape[0] != 1;
  }
  void pack(const value* weight, Packed& packed) const {
    if (!packed.values.size()) {
      packed.values = Buffer<value, typename Backend::memory>(backend_->packed_size(packed.out, packed.in));
    }
    backend_->pack(packed.out, packed.in, weight, packed.values.data());
    packed.version = version_;
  }
  std::unordered_map<const value*, Packed> packed_;
  const Backend* backend_ = nullptr;
  std::uint64_t version_ = 0;
};
template <class Model>
concept PacksWeights = requires(const typename Model::Backend& b, const typename Model::value* from,
                                typename Model::value* to, std::size_t n) {
  { b.packed_size(n, n) } -> std::convertible_to<std::size_t>;
  b.pack(n, n, from, to);
};

// What a predictor's callable returns on its tape.
template <class Model, class F, bool TakesLabels>
struct PredictorCall {
  using Context = Tape<typename Model::policy, false>;
  using type = decltype(call_predictor(std::declval<F&>(), std::declval<const typename Model::module&>(),
                                       std::declval<Var<typename Model::module::input, true, false, Context>>()));
};
template <class Model, class F>
struct PredictorCall<Model, F, true> {
  using Context = Tape<typename Model::policy, false>;
  using type =
      decltype(call_predictor(std::declval<F&>(), std::declval<const typename Model::module&>(),
                              std::declval<Var<typename Model::module::input, true, false, Context>>(),
                              std::declval<LabelsVar<Context, labels_per_sample<typename Model::module>()>>()));
};

}  // namespace detail

// Runs a model, or any callable f(net, x) of it, or f(net, x, labels), on batches of any size. The model must outlive
// it; its values may change in between (training goes on). One Predictor serves one thread at a time; several may share
// a model. Neither copied nor moved.
template <class Model, class F>
class Predictor {
 public:
  using policy = typename Model::policy;
  using value = typename policy::value;
  using Backend = typename policy::backend;
  using input = typename Model::module::input;
  static constexpr bool packs = detail::PacksWeights<Model>;
  static constexpr std::size_t label_count = labels_per_sample<typename Model::module>();
  // Does f take labels as well (a decoder the tokens so far)?
  static constexpr bool takes_labels =
      std::invocable<F&, const typename Model::module&, Var<input, true, false, Tape<policy, false>>,
                     LabelsVar<Tape<policy, false>, label_count>>;

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
    const auto x = meta.template input<input, true>();
    const auto out = [&] {
      if constexpr (takes_labels) {
        return detail::call_predictor(f_, model.net(), x, meta.template labels<label_count>());
      } else {
        return detail::call_predictor(f_, model.net(), x);
      }
    }();
    result_ = out.id;
    keep(out);
    plan_step(schedule_->trace, -1, element_bytes_of<policy>, schedule_->plan);
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
  auto operator()(const BatchView<input, const value>& images) requires(!takes_labels) { return run(images); }
  template <StepBatchFor<policy> Q>
  auto operator()(const Batch<input, Q>& images) requires(!takes_labels) {
    return run(images.view());
  }
  // The same for a callable that takes labels.
  template <StepBatchFor<policy> Q>
  auto operator()(const Batch<input, Q>& images, const Labels& labels) requires(takes_labels) {
    detail::check_counts("predict", images.count(), labels.count(), label_count);
    return run(images.view(), labels.data());
  }

  void set_poison(bool on) { tape_.set_poison(on); }
  void set_timed(bool on) { tape_.set_timed(on); }
  // As TrainingStep::set_graphs.
  void set_graphs(bool on) { runner_.set_graphs(on); }
  const auto& timings() const { return tape_.timings(); }
  const Model& model() const { return *model_; }
  const Trace& trace() const { return schedule_->trace; }
  const Plan& plan() const { return schedule_->plan; }
  // By operation of the trace: the path of the module that it belongs to.
  const std::vector<std::string>& paths() const { return paths_; }
  std::size_t arena_bytes() const { return tape_.arena_bytes(); }

 private:
  auto run(const BatchView<input, const value>& images, const int* labels = nullptr) {
    detail::use_device(model_->backend());
    const std::size_t count = images.count();
    detail::check_counts("predict", count, count);
    if constexpr (packs) packed_.update(*model_);
    runner_.begin(tape_, schedule_->plan.arena, count, "predictor");
    results_.begin();
    return results_.of(runner_.run(tape_, *model_, {images.data(), labels, count}, {true, 0},
                                   [&](const auto&... given) {
                                     const auto out = detail::call_predictor(f_, model_->net(), given...);
                                     tape_.check_end(out.id, result_);
                                     return out;
                                   }),
                       count);
  }

  struct Empty {};
  const Model* model_;
  F f_;
  std::unique_ptr<detail::Schedule> schedule_;
  Tape<policy, false> tape_;
  std::vector<std::string> paths_;
  int result_ = -1;
  detail::StepResults<value, typename Backend::memory> results_;
  detail::Runner<Tape<policy, false>, input, takes_labels ? label_count : 0,
                 typename detail::PredictorCall<Model, F, takes_labels>::type>
      runner_;
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
// Of a callable f(net, x), or f(net, x, labels) that is called with images and labels:
// `auto predict = vt::predictor(model, [](auto& net, auto x) { return net.backbone(x); });`
template <class Model, class F>
auto predictor(const Model& model, F f) {
  return Predictor<Model, F>(model, std::move(f));
}
template <class Model, class F>
void predictor(const Model&&, F) = delete;
// Once, with a predictor for this call alone: `auto logits = vt::predict(model, images);`, a Batch of its own. Whoever
// calls it twice is better off with a predictor, which packs the weights once.
template <class Model, SameMemoryAs<typename Model::policy> Q>
auto predict(const Model& model, const Batch<typename Model::module::input, Q>& images) {
  auto once = predictor(model);
  const auto result = once(images);
  return Batch<typename decltype(once(images))::shape, typename Model::policy>(std::span(result.data(), result.size()));
}
// A predictor of a model that is there for nothing else: weights move into the layout of the product kernel instead of
// being there twice. The model can then neither be saved, changed nor given to another predictor (they throw error).
template <class Model>
auto consuming_predictor(Model& model) {
  return Predictor<Model, detail::CallModel>(model, {}, &model);
}

}  // namespace vitrail::inline VITRAIL_TU
