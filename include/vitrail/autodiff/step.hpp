// step.hpp - a step: a callable with its loss, traced and planned once when it is made, then run in one arena without
// allocating.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "../tensor/tensor.hpp"
#include "callable.hpp"
#include "keep.hpp"
#include "meta.hpp"
#include "runner.hpp"
#include "schedule.hpp"
#include "tape.hpp"

namespace vitrail::inline VITRAIL_TU {

// f(net, x, labels) returns a vt::Step. Calling the training step runs forward and backward; the gradients then lie in
// a flat buffer parallel to model.trainable(), and an optimiser may update the model. The model must outlive the step.
// Neither copied nor moved. One thread at a time.
template <class Model, class F>
class TrainingStep {
 public:
  using policy = typename Model::policy;
  using value = typename policy::value;
  using input = typename Model::module::input;
  using Backend = typename policy::backend;
  using Memory = typename Backend::memory;
  using Context = Tape<policy, true>;
  static constexpr std::size_t label_count = detail::labels_of_step<Model, F>();

  explicit TrainingStep(Model& model, F f, const Planning& planning = {})
      : model_(with_room(model)),
        f_(std::move(f)),
        schedule_(std::make_unique<detail::Schedule>()),
        tape_(model.backend(), schedule_->trace, schedule_->plan),
        gradients_(model.trainable().size()),
        statistics_(model.statistics().size()) {
    detail::declare_parameters(model, schedule_->trace);
    Meta<policy, true> meta{&schedule_->trace};
    meta.scopes = &schedule_->scopes;
    const auto out =
        detail::call_step(f_, model.net(), meta.template input<input, true>(), meta.template labels<label_count>());
    loss_ = out.loss.id;
    keep(out.loss);
    std::apply([](const auto&... result) { (keep(result), ...); }, out.results);
    plan_step(schedule_->trace, loss_, element_bytes_of<policy>, schedule_->plan, planning);
    tape_.set_parameters(model.trainable().table.size(), gradients_.data(), model.trainable().offsets.data(),
                         model.trainable().values.data());
    paths_ = schedule_->scopes.paths(model.modules());
    tape_.set_paths(paths_);
  }

  // A tuple of the loss (a number) and the other results (views, valid until the next call). Images and labels (so
  // many for each sample as its model or f has) must agree in their count, which may differ from call to call; more
  // samples than ever before allocate. The model's running statistics move. Throws shape_error, and error if the
  // callable does other operations than when the step was made; then the model is as it was and the step does not
  // count.
  auto operator()(const BatchView<input, const value>& images, const Labels& labels) {
    stage(images, labels);
    start();
    return results();
  }
  template <StepBatchFor<policy> Q>
  auto operator()(const Batch<input, Q>& images, const Labels& labels) {
    return (*this)(images.view(), labels);
  }

  // The same in three calls, between which a device is busy:
  //   step.start();                 // the step of the batch staged last
  //   optimiser.update(step);
  //   step.stage(images, labels);   // the next batch; both stay as they are until start()
  //   auto [loss] = step.results(); // waits for the step that was started last
  // A batch for which there is room is copied by stage(), one that is larger than any before by start().
  void stage(const BatchView<input, const value>& images, const Labels& labels) {
    detail::check_counts("training step", images.count(), labels.count(), label_count);
    detail::use_device(model_->backend());
    next_ = {images.data(), labels.data(), images.count()};
    runner_.stage(tape_, model_->backend(), next_);
  }
  template <StepBatchFor<policy> Q>
  void stage(const Batch<input, Q>& images, const Labels& labels) {
    stage(images.view(), labels);
  }
  void stage(const auto&, const Labels&&) = delete;  // labels that die with the statement
  // Throws as the step does, and error if no batch was staged since the last start().
  void start() {
    const Given given = std::exchange(next_, {});
    if (given.count == 0) throw error("training step: no batch is staged");
    out_.reset();
    out_.emplace(run_part(given, 0, 1, false));
    count_ = given.count;
    finish();
  }
  // Throws error if no step was started, or none in one piece.
  auto results() {
    if (!out_) throw error("training step: no step was started");
    results_.begin();
    return std::apply(
        [&](const auto&... result) {
          return std::tuple(results_.of(out_->loss, count_), results_.of(result, count_)...);
        },
        out_->results);
  }

  // The same step with its batch in parts of at most `part` samples, in the memory of one part: gradients add up (each
  // part weighs as much of the loss as it has samples), random numbers are those of the whole batch. Returns the loss.
  // The gradients are those of the whole batch but for rounding: a sum over the batch becomes a sum of the parts' sums.
  // Batch norms see one part at a time, and their running statistics move with each, as when gradients are accumulated
  // in PyTorch. Not for losses whose weight of a sample depends on the others (labels that are ignored, contrastive
  // losses).
  value in_parts(const BatchView<input, const value>& images, const Labels& labels, std::size_t part) {
    detail::check_counts("training step", images.count(), labels.count(), label_count);
    if (part == 0) throw shape_error("training step: parts of 0 samples");
    next_ = {};
    out_.reset();
    double loss = 0;
    for (std::size_t begin = 0; begin < images.count(); begin += part) {
      const std::size_t count = std::min(part, images.count() - begin);
      const double share = static_cast<double>(count) / static_cast<double>(images.count());
      const auto out =
          run_part({images[begin].data(), labels.data() + begin * label_count, count}, begin, share, begin > 0);
      loss += share * static_cast<double>(detail::value_on_host<Memory>(out.loss.data));
    }
    finish();
    return static_cast<value>(loss);
  }
  template <StepBatchFor<policy> Q>
  value in_parts(const Batch<input, Q>& images, const Labels& labels, std::size_t part) {
    return in_parts(images.view(), labels, part);
  }

  Model& model() const { return *model_; }
  // Parallel to model().trainable(); meaningful where reached().
  const value* gradients() const { return gradients_.data(); }
  // Does the loss depend on the trainable parameter with this slot, its place in model().trainable().table? If not, it
  // has no gradient.
  bool reached(std::size_t slot) const { return schedule_->plan.reached[slot]; }
  const Trace& trace() const { return schedule_->trace; }
  const Plan& plan() const { return schedule_->plan; }
  const Scopes& scopes() const { return schedule_->scopes; }
  // By operation of the trace: the path of the module that it belongs to.
  const std::vector<std::string>& paths() const { return paths_; }
  // Bytes of the step's memory for the largest batch so far.
  std::size_t arena_bytes() const { return tape_.arena_bytes(); }
  std::uint64_t steps() const { return steps_; }
  // Where random numbers continue from, when training is resumed.
  void set_steps(std::uint64_t steps) { steps_ = steps; }
  void set_poison(bool on) {
    poison_ = on;
    tape_.set_poison(on);
  }
  // Anomaly mode: every result and gradient is looked at, and the first that is infinite or NaN throws error with its
  // operation, module and step. Slow; for finding out where training goes wrong.
  void set_check_finite(bool on) { tape_.set_check_finite(on); }
  void set_timed(bool on) { tape_.set_timed(on); }
  // On a GPU a step is recorded when it runs with as many samples for the second time, and replayed from then on, with
  // the same bits. Off: every operation is started anew.
  void set_graphs(bool on) { runner_.set_graphs(on); }
  const auto& timings() const { return tape_.timings(); }

 private:
  using Returned = decltype(detail::call_step(std::declval<F&>(), std::declval<const typename Model::module&>(),
                                              std::declval<Var<input, true, false, Context>>(),
                                              std::declval<LabelsVar<Context, label_count>>()));
  using Runner = detail::Runner<Context, input, label_count, Returned>;
  using Given = typename Runner::Given;

  // On a device that has memory for its gradients and moving statistics.
  static Model* with_room(Model& model) {
    detail::use_device(model.backend());
    detail::check_planned_on(model.backend(), "training step",
                             {{"gradients", model.trainable().size() * sizeof(value)},
                              {"running statistics", 2 * model.statistics().size() * sizeof(value)}});
    return &model;
  }
  // Forward and backward of samples of a batch, which begin at `first` there and are `share` of it.
  Returned run_part(const Given& given, std::size_t first, double share, bool adds) {
    const Backend& backend = model_->backend();
    detail::use_device(backend);
    runner_.begin(tape_, schedule_->plan.arena, given.count, "training step");
    tape_.set_random(random_.stream(backend, model_->random_seed(), steps_), static_cast<std::uint32_t>(first));
    tape_.set_part(static_cast<value>(share), adds);
    tape_.set_statistics(statistics_.begin(backend, model_->statistics().values.data(), !adds));
    if (poison_ && !adds) {
      detail::fill_values(backend, gradients_.data(), gradients_.size(), std::numeric_limits<value>::quiet_NaN());
    }
    return runner_.run(tape_, *model_, given, {share == 1 && !adds, statistics_.now()},
                       [&](const auto& x, const auto& labels_of_x) {
                         const auto out = detail::call_step(f_, std::as_const(*model_).net(), x, labels_of_x);
                         tape_.check_end(out.loss.id, loss_);
                         tape_.backward(out.loss);
                         return out;
                       });
  }
  void finish() {
    model_->set_statistics(statistics_.result());
    ++steps_;
  }

  Model* model_;
  F f_;
  std::unique_ptr<detail::Schedule> schedule_;
  Context tape_;
  Buffer<value, Memory> gradients_;
  MovingStatistics<value, Memory> statistics_;
  Runner runner_;
  Given next_;                   // staged
  std::optional<Returned> out_;  // of the step started last
  std::size_t count_ = 0;        // its samples
  detail::StepResults<value, Memory> results_;
  detail::StepRandom<Backend> random_;
  std::vector<std::string> paths_;
  std::uint64_t steps_ = 0;
  int loss_ = -1;
  bool poison_ = false;
};

// `auto step = vt::training_step(model, [](auto& net, auto x, auto labels) { ...; return vt::Step{loss, logits}; });`
template <class Model, class F>
TrainingStep<Model, F> training_step(Model& model, F f, const Planning& planning = {}) {
  return TrainingStep<Model, F>(model, std::move(f), planning);
}

}  // namespace vitrail::inline VITRAIL_TU
