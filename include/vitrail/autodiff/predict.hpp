// predict.hpp - inference: the forward of a model in an arena of its own, with no gradients and nothing dropped.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "packed_weights.hpp"
#include "step.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {

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
      if constexpr (detail::is_host<Backend>) {  // a device has no memory of single weights to give back
        if (consumed) packed_.consume(*consumed, reads);
      }
    }
  }
  explicit Predictor(const Model&&, F = {}) = delete;  // a model that dies with the statement
  Predictor(const Predictor&) = delete;
  Predictor& operator=(const Predictor&) = delete;

  // The result for each sample, valid until the next call. An empty batch throws shape_error; other operations than
  // when the Predictor was made throw error.
  auto operator()(const BatchView<input, const value>& images) requires(!takes_labels) {
    stage(images);
    start();
    return results();
  }
  template <StepBatchFor<policy> Q>
  auto operator()(const Batch<input, Q>& images) requires(!takes_labels) {
    return (*this)(images.view());
  }
  // The same for a callable that takes labels.
  template <StepBatchFor<policy> Q>
  auto operator()(const Batch<input, Q>& images, const Labels& labels) requires(takes_labels) {
    stage(images, labels);
    start();
    return results();
  }

  // The same in three calls, between which a device is busy, as TrainingStep's:
  //   predict.start();                  // with the batch staged last
  //   predict.stage(images);            // the next batch (and labels), which stays as it is until start()
  //   auto logits = predict.results();  // of the batch that was started last, valid until the next start()
  void stage(const BatchView<input, const value>& images) requires(!takes_labels) {
    detail::check_counts("predict", images.count(), images.count());
    stage_given({images.data(), nullptr, images.count()});
  }
  template <StepBatchFor<policy> Q>
  void stage(const Batch<input, Q>& images) requires(!takes_labels) {
    stage(images.view());
  }
  template <StepBatchFor<policy> Q>
  void stage(const Batch<input, Q>& images, const Labels& labels) requires(takes_labels) {
    detail::check_counts("predict", images.count(), labels.count(), label_count);
    stage_given({images.data(), labels.data(), images.count()});
  }
  void stage(const auto&, const Labels&&) = delete;  // labels that die with the statement
  // Throws as a call does, and error if no batch was staged since the last start().
  void start() {
    const Given given = std::exchange(next_, {});
    if (given.count == 0) throw error("predictor: no batch is staged");
    out_.reset();
    detail::use_device(model_->backend());
    if constexpr (packs) packed_.update(*model_);
    runner_.begin(tape_, schedule_->plan.arena, given.count, "predictor");
    out_.emplace(runner_.run(tape_, *model_, given, {true, 0}, [&](const auto&... inputs) {
      const auto out = detail::call_predictor(f_, model_->net(), inputs...);
      tape_.check_end(out.id, result_);
      return out;
    }));
    count_ = given.count;
  }
  // Throws error if nothing was started.
  auto results() {
    const Out& out = started();
    results_.begin();
    return results_.of(out, count_);
  }
  // The same where they are, in the backend's memory, without waiting for a device: for what is queued behind.
  auto results_in_place() const {
    return BatchView<typename Out::shape, const typename Out::stored>(started().data, Out::batched ? count_ : 1);
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
  using Out = typename detail::PredictorCall<Model, F, takes_labels>::type;  // a Var
  using Runner = detail::Runner<Tape<policy, false>, input, takes_labels ? label_count : 0, Out>;
  using Given = typename Runner::Given;

  void stage_given(const Given& given) {
    detail::use_device(model_->backend());
    next_ = given;
    runner_.stage(tape_, model_->backend(), next_);
  }
  const Out& started() const {
    if (!out_) throw error("predictor: nothing was started");
    return *out_;
  }

  struct Empty {};
  const Model* model_;
  F f_;
  std::unique_ptr<detail::Schedule> schedule_;
  Tape<policy, false> tape_;
  std::vector<std::string> paths_;
  int result_ = -1;
  detail::StepResults<value, typename Backend::memory> results_;
  Runner runner_;
  Given next_;              // staged
  std::optional<Out> out_;  // of the batch started last
  std::size_t count_ = 0;   // its samples
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
// Once, with a predictor for this call alone: `auto logits = vt::predict(model, images);`, a Batch of its own, where
// the images are: on the host or the device. Whoever calls it twice is better off with a predictor, which packs the
// weights once.
template <class Model, StepBatchFor<typename Model::policy> Q>
auto predict(const Model& model, const Batch<typename Model::module::input, Q>& images) {
  using policy = typename Model::policy;
  auto once = predictor(model);
  const auto result = once(images);
  return Batch<typename decltype(once(images))::shape, std::conditional_t<SameMemoryAs<Q, policy>, policy, Q>>(
      std::span(result.data(), result.size()));
}
// A predictor of a model that is there for nothing else: weights move into the layout of the product kernel instead of
// being there twice. The model can then neither be saved, changed nor given to another predictor (they throw error). On
// a device they stay, and so does what the model can do.
template <class Model>
auto consuming_predictor(Model& model) {
  return Predictor<Model, detail::CallModel>(model, {}, &model);
}

}  // namespace vitrail::inline VITRAIL_TU
