// tape_core.hpp - what a tape does whatever the operation is: it looks places up, compares with the trace, and runs
// backward in the plan's order. Compiled once for each policy; what is compiled for each operation is in tape.hpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "../error.hpp"
#include "driver.hpp"
#include "label_checks.hpp"
#include "plan.hpp"
#include "statistics.hpp"
#include "tape_checks.hpp"
#include "tape_memory.hpp"
#include "timing.hpp"

namespace vitrail::inline VITRAIL_TU {

// Neither copied nor moved: Vars and what is noted for backward point to it.
template <class P>
class TapeCore {
 public:
  using policy = P;
  using value = typename P::value;
  using Backend = typename P::backend;
  using Memory = typename Backend::memory;

  TapeCore(const TapeCore&) = delete;
  TapeCore& operator=(const TapeCore&) = delete;
  const Backend& backend() const { return *backend_; }

  // The flat gradients of a model: that of parameter `slot` starts at gradients + offsets[slot]. `values`, if given, is
  // the flat buffer of their values, by which parameters of another model are found.
  void set_parameters(std::size_t parameters, value* gradients_of_parameters, const std::size_t* offsets,
                      const value* values = nullptr) {
    memory_.set_parameters(parameters, gradients_of_parameters, offsets);
    parameter_values_ = values;
  }
  void check_parameter(int slot, const value* data) const {
    const auto at = static_cast<std::size_t>(slot);  // -1, of a parameter without a model, is no slot either
    if (at < memory_.parameters() && (!parameter_values_ || data == parameter_values_ + memory_.parameter_offset(at)))
      return;
    throw error("a trainable parameter of another model is in this step: only the step's own model has gradients");
  }
  void set_random(RandomStream stream, std::uint32_t first_sample) {
    random_ = stream;
    first_sample_ = first_sample;
  }
  void set_poison(bool on) { memory_.set_poison(on); }
  // Is something looked at that a replayed step would not show?
  bool watched() const { return memory_.poisons() || check_finite_ || timer_.is_on(); }
  // Times each operation from now on; on a device one after the other, each from its start to its end there.
  void set_timed(bool on) {
    if constexpr (requires { backend_->device().wait(); }) {
      timer_.set_on(on, [backend = backend_] { backend->device().wait(); });
    } else {
      timer_.set_on(on);
    }
  }
  const std::vector<OperationTiming>& timings() const { return timer_.timings(); }
  // The paths of the operations' modules, for messages.
  void set_paths(std::vector<std::string> paths) { paths_ = std::move(paths); }
  // From now on throws error at the first result or gradient that is not finite; of a planned tape.
  void set_check_finite(bool on) { check_finite_ = on; }
  // The gradient that the loss starts from, and whether gradients of parameters are added to what is there: for a batch
  // that is done in parts.
  void set_part(value loss_gradient, bool adds) {
    loss_gradient_ = loss_gradient;
    adds_ = adds;
  }
  // Where the model's running statistics move in this step; without it they do not.
  void set_statistics(const StatisticsMove<value>& move) { statistics_ = move; }
  auto moving(const value* statistic) const { return statistics_.of(statistic); }
  // Finds a parameter's values in the product kernel's layout, if they are kept in it with so many rows, for operations
  // with `packed_inputs`; see autodiff/predict.hpp.
  void set_packed(const value* (*find)(void*, const value*, std::size_t rows), void* owner) {
    find_packed_ = find;
    packed_owner_ = owner;
  }

  // Starts a step of `samples` samples. Allocates only when there are more than ever before.
  void begin(std::size_t samples) {
    finished_ = false;
    next_operation_ = 0;
    next_value_ = static_cast<int>(memory_.parameters());
    if (!plan_) nodes_.clear();
    if (!memory_.begin(samples)) return;
    if (gradients_) {
      nodes_.resize(trace_->operations.size());
      reruns_.resize(trace_->operations.size());
    }
    timer_.reserve(trace_->operations.size());
  }
  std::size_t count() const { return memory_.count(); }
  std::size_t arena_bytes() const { return memory_.arena_bytes(); }
  bool has_room(std::size_t samples) const { return memory_.has_room(samples); }
  // What operations ask of this step's labels.
  const LabelChecks<Memory::host_readable>& label_checks() const { return label_checks_; }

  // After the last operation of a planned step: throws if the trace has more, or ends with another value than `id`.
  void check_end(int id, int traced_id) {
    detail::check_trace_end(*trace_, next_operation_, id, traced_id);
    finished_ = true;
  }
  // Throws error, which names the operation, if the plan has given the memory of value `id` to others by now.
  void check_alive(int id) const {
    if (!plan_ || id < 0) return;
    detail::check_alive(*trace_, *plan_, static_cast<std::size_t>(id),
                        finished_ ? plan_->events.size() : next_operation_, paths_);
  }

 protected:
  // Without a trace and a plan, the retaining tape.
  TapeCore(const Backend& backend, bool gradients) : gradients_(gradients), backend_(&backend), memory_(backend) {}
  TapeCore(const Backend& backend, const Trace& trace, const Plan& plan, bool gradients)
      : gradients_(gradients), backend_(&backend), trace_(&trace), plan_(&plan), memory_(backend, plan) {}

  // An operation with its arguments, as bytes, until it runs again or backward.
  struct Node {
    void (*run)(Node&);
    alignas(16) unsigned char closure[512];
  };
  // Backward from the value `loss`; see Tape::backward.
  [[gnu::noinline]] void run_backward(int loss) {
    if (!plan_) memory_.zero_retained_gradients();
    detail::fill_values(*backend_, static_cast<value*>(memory_.gradient_at(loss)), 1, loss_gradient_);
    if (!plan_) {
      for (std::size_t n = nodes_.size(); n-- > 0;) nodes_[n].run(nodes_[n]);
      return;
    }
    for (std::size_t t = trace_->operations.size(); t < plan_->events.size(); ++t) {
      const Event& event = plan_->events[t];
      Node& node = (event.kind == Event::again ? reruns_ : nodes_)[static_cast<std::size_t>(event.operation)];
      node.run(node);
    }
  }

  // Opens an operation. Out of line: once per policy, not once per operation.
  using Address = typename TapeMemory<P>::Address;
  struct Opened {
    std::size_t operation, count;
    int id;
    Address out;
    WorkRoom<value> state, work;
  };
  [[gnu::noinline]] Opened open(const detail::CallFacts& call, const int* ids, std::size_t inputs) {
    Opened o{next_operation_++, call.any_batched ? count() : 1, next_value_++, nullptr, {}, {}};
    const std::size_t elements = call.elements * (call.batched ? count() : 1);
    const Facts& facts = call.facts;
    if (plan_) {
      detail::check_trace(*trace_, o.operation, o.id, call, ids, inputs);
      const auto root = static_cast<std::size_t>(plan_->value_of[static_cast<std::size_t>(o.id)]);
      o.out = memory_.at(plan_->value[root]);
      o.state = memory_.at(plan_->state[o.operation]);
      o.work = memory_.at(plan_->forward_work[o.operation]);
      if (root == static_cast<std::size_t>(o.id)) memory_.poison(o.out, elements, call.batched);
      memory_.poison(o.state, facts.state, o.count);
      memory_.poison(o.work, facts.forward_work, o.count);
    } else {
      const Space &forward = facts.forward_work, &backward = facts.backward_work;
      o.out = memory_.retain(elements, call.batched);
      o.state = {memory_.retain(facts.state.per_sample * o.count), memory_.retain(facts.state.fixed)};
      o.work = {memory_.retain(std::max(forward.per_sample, backward.per_sample) * o.count),
                memory_.retain(std::max(forward.fixed, backward.fixed))};
      memory_.retain_gradient(call.tracked ? elements : 0, call.batched);
    }
    return o;
  }
  // The values of an input that no operation made, packed with so many rows, or null.
  const value* find_packed(int id, const value* data, std::size_t rows) const {
    return find_packed_ && id < 0 ? find_packed_(packed_owner_, data, rows) : nullptr;
  }
  // Where backward finds what forward had.
  template <class In, class Out>
  [[gnu::noinline]] void move_to_backward(const int* ids, std::size_t inputs, int output, In* in, Out*& out) const {
    for (std::size_t i = 0; i < inputs; ++i) {
      if (ids[i] >= 0 && plan_->again[static_cast<std::size_t>(ids[i])].bytes) {
        in[i] = static_cast<In>(memory_.at(plan_->again[static_cast<std::size_t>(ids[i])]));
      }
    }
    const Place& again = plan_->again[static_cast<std::size_t>(output)];
    if (again.bytes) out = static_cast<Out*>(memory_.at(again));
  }
  Mode mode_of(std::size_t operation, std::size_t input, int id) const {
    if (!plan_) return Mode::add;
    const Mode mode = plan_->mode[operation][input];
    return adds_ && mode != Mode::none && static_cast<std::size_t>(id) < memory_.parameters() ? Mode::add : mode;
  }
  template <class X>
  [[gnu::noinline]] void check_finite(const X* data, std::size_t size, std::size_t k, const char* what) const {
    const std::size_t at = detail::first_not_finite<Memory>(data, size);
    if (at == size || !plan_) return;
    throw error(std::string("not finite: ") + what + " of " + detail::operation_name(*trace_, k, paths_) + " in step " +
                std::to_string(random_.step) + ", element " + std::to_string(at) + " of " + std::to_string(size) +
                ", is " + std::to_string(static_cast<value>(detail::value_on_host<Memory>(data + at))));
  }
  void check_finite(Address data, bool batched, std::size_t size, std::size_t k, const char* what) const {
    if (is_mixed<P> && batched) {
      check_finite(static_cast<const stored_of<P>*>(data), size, k, what);
    } else {
      check_finite(static_cast<const value*>(data), size, k, what);
    }
  }

  bool gradients_;
  const Backend* backend_;
  const Trace* trace_ = nullptr;
  const Plan* plan_ = nullptr;
  TapeMemory<P> memory_;
  OperationTimer timer_;
  std::size_t next_operation_ = 0;
  int next_value_ = 0;
  bool check_finite_ = false, adds_ = false, finished_ = false;
  value loss_gradient_ = 1;
  std::vector<std::string> paths_;
  RandomStream random_;
  std::uint32_t first_sample_ = 0;
  const value* parameter_values_ = nullptr;
  StatisticsMove<value> statistics_;
  LabelChecks<Memory::host_readable> label_checks_;
  const value* (*find_packed_)(void*, const value*, std::size_t) = nullptr;
  void* packed_owner_ = nullptr;
  std::vector<Node> nodes_, reruns_;  // of a step: by operation
};

}  // namespace vitrail::inline VITRAIL_TU
