// tape.hpp - the context that runs. With a plan it is the step tape: every value has its place in one arena. Without,
// it is the retaining tape: it grows, keeps everything, and backward may run again, for gradient checks and inspection.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../error.hpp"
#include "driver.hpp"
#include "plan.hpp"
#include "statistics.hpp"
#include "step_inputs.hpp"
#include "tape_checks.hpp"
#include "tape_memory.hpp"
#include "timing.hpp"

namespace vitrail::inline VITRAIL_TU {

// Neither copied nor moved: Vars and what is noted for backward point to it.
template <class P, bool Gradients, bool Training = Gradients>
class Tape {
 public:
  using policy = P;
  using value = typename P::value;
  using Backend = typename P::backend;
  using Memory = typename Backend::memory;
  static constexpr bool gradients = Gradients, training = Training;

  // The retaining tape.
  explicit Tape(const Backend& backend) : backend_(&backend), memory_(backend) {}
  // The step tape.
  Tape(const Backend& backend, const Trace& trace, const Plan& plan)
      : backend_(&backend), trace_(&trace), plan_(&plan), memory_(backend, plan) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

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
  // Times each operation from now on.
  void set_timed(bool on) { timer_.set_on(on); }
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
    nodes_.resize(trace_->operations.size());
    if constexpr (Gradients) reruns_.resize(trace_->operations.size());
    timer_.reserve(trace_->operations.size());
  }
  std::size_t count() const { return memory_.count(); }
  std::size_t arena_bytes() const { return memory_.arena_bytes(); }

  // An input of the step: `data` stays where it is and must live as long as the step.
  template <class S, bool Batched>
  auto input(const value* data) {
    if (!plan_) memory_.retain_gradient(0);
    return Var<S, Batched, false, Tape>(this, next_value_++, const_cast<value*>(data));
  }
  // An input with a gradient, which gradient() gives after backward: what a saliency map or a gradient check asks for.
  // On the retaining tape only.
  template <class S, bool Batched>
  auto tracked_input(const value* data) {
    static_assert(Gradients, "tracked_input: this tape has no gradients");
    if (plan_) throw error("tracked_input: a planned step has gradients of parameters only; use the retaining tape");
    memory_.retain_gradient(S::size * (Batched ? count() : 1));
    return Var<S, Batched, true, Tape>(this, next_value_++, const_cast<value*>(data));
  }
  template <std::size_t Length = 1>
  LabelsVar<Tape, Length> labels(const int* host) {
    return labels<Length>(host, labels_.place(*backend_, 0, host, count() * Length));
  }
  // Those that are already where operations read them.
  template <std::size_t Length = 1>
  LabelsVar<Tape, Length> labels(const int* host, const int* placed) {
    host_labels_ = host;
    label_checks_.clear();
    return {this, placed, host};
  }
  // check(labels, count) throws where an operation could not do with them.
  template <std::size_t Length, std::size_t Stride, class Check>
  void check_labels(const LabelsVar<Tape, Length, Stride>& labels, const Check& check) {
    check(labels.host, count() * Length);
    if constexpr (!Memory::host_readable) {
      label_checks_.push_back([check, first = labels.host - host_labels_](const int* host, std::size_t samples) {
        check(host + first, samples * Length);
      });
    }
  }
  // The same checks of other labels, for a step that is replayed.
  void check_labels_again(const int* host, std::size_t samples) const {
    for (const auto& check : label_checks_) check(host, samples);
  }

  template <class Op, class... V>
  auto run(const Op& op, const V&... v) {
    using Call = Signature<Op, P, V...>;
    (void)Call::check();
    constexpr std::size_t inputs = sizeof...(V);
    static constexpr detail::CallFacts call{Op::name,      Op::shape::size, Call::any_batched,
                                            Call::batched, Call::tracked,   Call::facts};
    const int ids[] = {v.id...};
    const Opened opened = open(call, ids, inputs);
    Arguments<P, inputs> a;
    a.backend = backend_;
    a.count = opened.count;
    std::size_t i = 0;
    ((a.packed[i] = packed<Op>(v), a.in[i++] = v.data), ...);
    a.out = opened.out;
    a.state = opened.state;
    a.work = opened.work;
    a.random = random_;
    a.random.site = static_cast<std::uint32_t>(opened.operation);
    a.first_sample = first_sample_;
    const auto start = timer_.start();
    forward(op, a);
    timer_.stop(start, opened.operation, Op::name, &OperationTiming::forward, count());
    if (check_finite_)
      check_finite(a.out, call.elements * (call.batched ? count() : 1), opened.operation, "the result");
    if constexpr (Gradients) {
      if (plan_) move_to_backward(ids, inputs, opened.id, a.in, a.out);
      if (plan_ && plan_->rerun[opened.operation]) record_rerun<Call>(op, a, opened);
    }
    if constexpr (Call::tracked) {
      if (!plan_ || plan_->live[opened.operation]) record_backward<Call>(op, a, opened, v...);
    }
    return typename Call::template result<Tape>(this, opened.id, opened.out);
  }

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

  // Runs backward from a scalar loss of this step; afterwards the gradients of the parameters lie where set_parameters
  // said. On the retaining tape those of all other values are zeroed first, and those of parameters added to what is
  // there: who runs it again zeroes them.
  template <class V>
  void backward(const V& loss) {
    static_assert(V::tracked, "backward: nothing trainable flows into this loss");
    static_assert(V::shape::size == 1 && !V::batched, "backward: the loss is one number for the whole batch");
    if (!plan_) memory_.zero_retained_gradients();
    detail::fill_values(*backend_, memory_.gradient_at(loss.id), 1, loss_gradient_);
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
  // The gradient of a tracked value after backward, on the retaining tape (a step's plan gives the memory to others).
  template <class V>
  const value* gradient(const V& v) const {
    static_assert(V::tracked, "gradient: nothing trainable flows into this value");
    if (plan_) throw error("gradient: a planned step keeps gradients of parameters only; use the retaining tape");
    return memory_.gradient_at(v.id);
  }

 private:
  struct Node {
    void (*run)(Node&);
    alignas(16) unsigned char closure[512];
  };
  template <class Op, std::size_t Inputs>
  struct Closure {
    Op op;
    Arguments<P, Inputs> a;
    Tape* tape;
    std::size_t operation;
    std::array<std::size_t, Inputs> sizes;  // elements of the gradients
  };

  // Opens an operation. Out of line: once per policy, not once per operation.
  struct Opened {
    std::size_t operation, count;
    int id;
    value* out;
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
      if (root == static_cast<std::size_t>(o.id)) memory_.poison(o.out, elements);
      memory_.poison(o.state, facts.state, o.count);
      memory_.poison(o.work, facts.forward_work, o.count);
    } else {
      const Space &forward = facts.forward_work, &backward = facts.backward_work;
      o.out = memory_.retain(elements);
      o.state = {memory_.retain(facts.state.per_sample * o.count), memory_.retain(facts.state.fixed)};
      o.work = {memory_.retain(std::max(forward.per_sample, backward.per_sample) * o.count),
                memory_.retain(std::max(forward.fixed, backward.fixed))};
      memory_.retain_gradient(call.tracked ? elements : 0);
    }
    return o;
  }
  template <class Op, class V>
  const value* packed(const V& v) const {
    if constexpr (detail::packed_inputs<Op>() != 0 && !V::batched && !Gradients && V::shape::rank > 0) {
      return find_packed_ && v.id < 0 ? find_packed_(packed_owner_, v.data, V::shape::dims[0]) : nullptr;
    } else {
      return nullptr;
    }
  }
  template <class Call, class Op, class A, class... V>
  void record_backward(const Op& op, const A& a, const Opened& opened, const V&... v) {
    constexpr std::size_t inputs = sizeof...(V);
    using Stored = Closure<Op, inputs>;
    static_assert(sizeof(Stored) <= sizeof(Node::closure),
                  "an operation keeps too much for its backward: at most 512 bytes with its arguments");
    static_assert(std::is_trivially_copyable_v<Stored>,
                  "an operation (or a function in an expression) must be trivially copyable: it is kept as bytes");
    Node& node = plan_ ? nodes_[opened.operation] : nodes_.emplace_back();
    auto& stored =
        *new (node.closure) Stored{op, a, this, opened.operation, {(V::shape::size * (V::batched ? count() : 1))...}};
    stored.a.out_gradient = memory_.gradient_at(opened.id);
    if (plan_) {
      const bool rerun = plan_->rerun[opened.operation];
      stored.a.state = memory_.at((rerun ? plan_->state_again : plan_->state)[opened.operation]);
      stored.a.work = memory_.at(plan_->backward_work[opened.operation]);
    }
    const int ids[] = {v.id...};
    constexpr bool tracked[] = {V::tracked...};
    for (std::size_t i = 0; i < inputs; ++i) {
      if (!tracked[i]) continue;
      stored.a.gradient[i] = {memory_.gradient_at(ids[i]), mode_of(opened.operation, i, ids[i])};
    }
    node.run = [](Node& n) {
      auto& c = *std::launder(reinterpret_cast<Stored*>(n.closure));
      Tape& tape = *c.tape;
      if (tape.memory_.poisons()) {
        for (std::size_t i = 0; i < inputs; ++i) {
          const Mode mode = c.a.gradient[i].mode;
          if (mode == Mode::write || mode == Mode::write_zero_rest) tape.memory_.poison(c.a.gradient[i].at, c.sizes[i]);
        }
        tape.memory_.poison(c.a.work, Call::facts.backward_work, c.a.count);
      }
      const auto start = tape.timer_.start();
      c.op.backward(c.a);
      tape.timer_.stop(start, c.operation, Op::name, &OperationTiming::backward, 0);
      for (std::size_t i = 0; tape.check_finite_ && i < inputs; ++i) {
        if (c.a.gradient[i].wanted()) tape.check_finite(c.a.gradient[i].at, c.sizes[i], c.operation, "a gradient");
      }
    };
  }
  // Notes that forward runs again while backward does, with its inputs and result where backward has them.
  template <class Call, class Op, class A>
  void record_rerun(const Op& op, const A& a, const Opened& opened) {
    constexpr std::size_t inputs = Call::inputs;
    using Stored = Closure<Op, inputs>;
    Node& node = reruns_[opened.operation];
    auto& stored = *new (node.closure) Stored{op, a, this, opened.operation, {}};
    stored.a.state = memory_.at(plan_->state_again[opened.operation]);
    stored.a.work = memory_.at(plan_->again_work[opened.operation]);
    node.run = [](Node& n) {
      auto& c = *std::launder(reinterpret_cast<Stored*>(n.closure));
      Tape& tape = *c.tape;
      if (tape.memory_.poisons()) {
        tape.memory_.poison(c.a.out, Call::elements * (Call::batched ? tape.count() : 1));
        tape.memory_.poison(c.a.state, Call::facts.state, c.a.count);
        tape.memory_.poison(c.a.work, Call::facts.forward_work, c.a.count);
      }
      const auto start = tape.timer_.start();
      forward(c.op, c.a);
      tape.timer_.stop(start, c.operation, Op::name, &OperationTiming::again, 0);
    };
  }
  // Out of line: forward is called when it is its turn and when it runs again.
  template <class Op, class A>
  [[gnu::noinline]] static void forward(const Op& op, const A& a) {
    op.forward(a);
  }
  // Where backward finds what forward had.
  [[gnu::noinline]] void move_to_backward(const int* ids, std::size_t inputs, int output, const value** in,
                                          value*& out) const {
    for (std::size_t i = 0; i < inputs; ++i) {
      if (ids[i] >= 0 && plan_->again[static_cast<std::size_t>(ids[i])].bytes) {
        in[i] = memory_.at(plan_->again[static_cast<std::size_t>(ids[i])]);
      }
    }
    const Place& again = plan_->again[static_cast<std::size_t>(output)];
    if (again.bytes) out = memory_.at(again);
  }
  Mode mode_of(std::size_t operation, std::size_t input, int id) const {
    if (!plan_) return Mode::add;
    const Mode mode = plan_->mode[operation][input];
    return adds_ && mode != Mode::none && static_cast<std::size_t>(id) < memory_.parameters() ? Mode::add : mode;
  }
  [[gnu::noinline]] void check_finite(const value* data, std::size_t size, std::size_t k, const char* what) const {
    const std::size_t at = detail::first_not_finite<Memory>(data, size);
    if (at == size || !plan_) return;
    throw error(std::string("not finite: ") + what + " of " + detail::operation_name(*trace_, k, paths_) + " in step " +
                std::to_string(random_.step) + ", element " + std::to_string(at) + " of " + std::to_string(size) +
                ", is " + std::to_string(detail::value_on_host<Memory>(data + at)));
  }

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
  detail::Placed<int, Backend> labels_;
  const int* host_labels_ = nullptr;
  std::vector<std::function<void(const int*, std::size_t)>> label_checks_;  // of a device's step
  const value* (*find_packed_)(void*, const value*, std::size_t) = nullptr;
  void* packed_owner_ = nullptr;
  std::vector<Node> nodes_, reruns_;  // of a step: by operation
};

}  // namespace vitrail::inline VITRAIL_TU
