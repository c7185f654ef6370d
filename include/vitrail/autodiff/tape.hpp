// tape.hpp - the context that runs. With a plan it is the step tape: every value has its place in one arena. Without,
// it is the retaining tape: it grows, keeps everything, and backward may run again, for gradient checks and inspection.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <new>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../backend/memory.hpp"
#include "../error.hpp"
#include "driver.hpp"
#include "plan.hpp"
#include "tape_checks.hpp"

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

  struct Timing {
    const char* name = "";
    double forward = 0, backward = 0, again = 0;  // seconds, summed over the steps; again: recomputed in backward
    std::size_t calls = 0, samples = 0;           // samples of all these calls
  };

  // The retaining tape.
  explicit Tape(const Backend& backend) : backend_(&backend) {}
  // The step tape.
  Tape(const Backend& backend, const Trace& trace, const Plan& plan)
      : backend_(&backend), trace_(&trace), plan_(&plan) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  // The flat gradients of a model: that of parameter `slot` starts at gradients + offsets[slot]. `values`, if given, is
  // the flat buffer of their values, by which parameters of another model are found.
  void set_parameters(std::size_t parameters, value* gradients_of_parameters, const std::size_t* offsets,
                      const value* values = nullptr) {
    parameters_ = parameters;
    parameter_gradients_ = gradients_of_parameters;
    parameter_offsets_ = offsets;
    parameter_values_ = values;
  }
  void check_parameter(int slot, const value* data) const {
    const auto at = static_cast<std::size_t>(slot);  // -1, of a parameter without a model, is no slot either
    if (at < parameters_ && (!parameter_values_ || data == parameter_values_ + parameter_offsets_[at])) return;
    throw error("a trainable parameter of another model is in this step: only the step's own model has gradients");
  }
  void set_random(RandomStream stream, std::uint32_t first_sample) {
    random_ = stream;
    first_sample_ = first_sample;
  }
  // Fills memory that is about to be written with NaN, so that an operation that misses some of it shows. For tests.
  void set_poison(bool on) { poison_ = on; }
  // Times each operation from now on.
  void set_timed(bool on) { timed_ = on; }
  const std::vector<Timing>& timings() const { return timings_; }
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
  // Finds a parameter's values in the product kernel's layout, if they are kept in it with so many rows; see
  // autodiff/predict.hpp.
  void set_packed(const value* (*find)(const void*, const value*, std::size_t rows), const void* owner) {
    find_packed_ = find;
    packed_owner_ = owner;
  }

  // Starts a step of `samples` samples. Allocates only when there are more than ever before.
  void begin(std::size_t samples) {
    count_ = samples;
    finished_ = false;
    next_operation_ = 0;
    next_value_ = static_cast<int>(parameters_);
    if (!plan_) {
      nodes_.clear();
      kept_.clear();
      kept_gradients_.assign(parameters_, {nullptr, 0});
    } else if (samples > capacity_) {
      capacity_ = 0;  // should memory run out below
      arena_ = {};
      const ArenaBytes& bytes = plan_->arena;
      if (bytes.batched && samples > (std::numeric_limits<std::size_t>::max() - bytes.fixed) / bytes.batched) {
        throw std::bad_alloc();
      }
      arena_ = Buffer<value, Memory>(bytes.of(samples) / sizeof(value));
      base_ = arena_.data();
      nodes_.resize(trace_->operations.size());
      if constexpr (Gradients) reruns_.resize(trace_->operations.size());
      timings_.resize(trace_->operations.size());
      capacity_ = samples;
    }
  }
  std::size_t count() const { return count_; }
  std::size_t arena_bytes() const { return arena_.size() * sizeof(value); }

  // An input of the step: `data` stays where it is and must live as long as the step.
  template <class S, bool Batched>
  auto input(const value* data) {
    if (!plan_) kept_gradients_.push_back({nullptr, 0});
    return Var<S, Batched, false, Tape>(this, next_value_++, const_cast<value*>(data));
  }
  // An input with a gradient, which gradient() gives after backward: what a saliency map or a gradient check asks for.
  // On the retaining tape only.
  template <class S, bool Batched>
  auto tracked_input(const value* data) {
    static_assert(Gradients, "tracked_input: this tape has no gradients");
    if (plan_) throw error("tracked_input: a planned step has gradients of parameters only; use the retaining tape");
    const std::size_t size = S::size * (Batched ? count_ : 1);
    kept_gradients_.push_back({retain(size), size});
    return Var<S, Batched, true, Tape>(this, next_value_++, const_cast<value*>(data));
  }
  LabelsVar<Tape> labels(const int* data) { return {this, data}; }

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
    ((a.packed[i] = packed(v), a.in[i++] = v.data), ...);
    a.out = opened.out;
    a.state = {opened.state[0], opened.state[1]};
    a.work = {opened.work[0], opened.work[1]};
    a.random = {random_.seed, random_.step, static_cast<std::uint32_t>(opened.operation)};
    a.first_sample = first_sample_;
    const auto start = clock_start();
    forward(op, a);
    clock_stop(start, opened.operation, Op::name, &Timing::forward);
    if (check_finite_) check_finite(a.out, call.elements * (call.batched ? count_ : 1), opened.operation, "the result");
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
    if (!plan_) {
      for (auto& [data, size] : kept_gradients_) std::fill(data, data + size, value(0));
    }
    *gradient_at(loss.id) = loss_gradient_;
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
    return gradient_at(v.id);
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

  value* at(const Place& place) const {
    if (!place.bytes) return nullptr;
    const std::size_t offset = place.offset / sizeof(value);
    return base_ + (place.batched ? plan_->arena.fixed / sizeof(value) + offset * count_ : offset);
  }
  value* gradient_at(int id) const {
    const auto v = static_cast<std::size_t>(id);
    if (v < parameters_) return parameter_gradients_ + parameter_offsets_[v];
    if (!plan_) return kept_gradients_[v].first;
    return at(plan_->gradient[static_cast<std::size_t>(plan_->gradient_of[v])]);
  }
  // Opens an operation. Out of line: once per policy, not once per operation.
  struct Opened {
    std::size_t operation, count;
    int id;
    value *out, *state[2], *work[2];  // per sample, fixed
  };
  [[gnu::noinline]] Opened open(const detail::CallFacts& call, const int* ids, std::size_t inputs) {
    Opened o{next_operation_++, call.any_batched ? count_ : 1, next_value_++, nullptr, {}, {}};
    const std::size_t elements = call.elements * (call.batched ? count_ : 1);
    const Facts& facts = call.facts;
    if (plan_) {
      detail::check_trace(*trace_, o.operation, o.id, call, ids, inputs);
      const auto root = static_cast<std::size_t>(plan_->value_of[static_cast<std::size_t>(o.id)]);
      o.out = at(plan_->value[root]);
      o.state[0] = at(plan_->state[o.operation].per_sample);
      o.state[1] = at(plan_->state[o.operation].fixed);
      o.work[0] = at(plan_->forward_work[o.operation].per_sample);
      o.work[1] = at(plan_->forward_work[o.operation].fixed);
      if (root == static_cast<std::size_t>(o.id)) poison(o.out, elements);
      poison(o.state[0], facts.state.per_sample * o.count);
      poison(o.state[1], facts.state.fixed);
      poison(o.work[0], facts.forward_work.per_sample * o.count);
      poison(o.work[1], facts.forward_work.fixed);
    } else {
      o.out = retain(elements);
      o.state[0] = retain(facts.state.per_sample * o.count);
      o.state[1] = retain(facts.state.fixed);
      o.work[0] = retain(std::max(facts.forward_work.per_sample, facts.backward_work.per_sample) * o.count);
      o.work[1] = retain(std::max(facts.forward_work.fixed, facts.backward_work.fixed));
      kept_gradients_.push_back({call.tracked ? retain(elements) : nullptr, call.tracked ? elements : 0});
    }
    return o;
  }
  template <class V>
  const value* packed(const V& v) const {
    if constexpr (!V::batched && !Gradients && V::shape::rank > 0) {
      return find_packed_ && v.id < 0 ? find_packed_(packed_owner_, v.data, V::shape::dims[0]) : nullptr;
    } else {
      return nullptr;
    }
  }
  value* retain(std::size_t elements) {
    if (elements == 0) return nullptr;
    return kept_.emplace_back(elements).data();
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
        *new (node.closure) Stored{op, a, this, opened.operation, {(V::shape::size * (V::batched ? count_ : 1))...}};
    stored.a.out_gradient = gradient_at(opened.id);
    if (plan_) {
      const bool rerun = plan_->rerun[opened.operation];
      stored.a.state = room((rerun ? plan_->state_again : plan_->state)[opened.operation]);
      stored.a.work = room(plan_->backward_work[opened.operation]);
    }
    const int ids[] = {v.id...};
    constexpr bool tracked[] = {V::tracked...};
    for (std::size_t i = 0; i < inputs; ++i) {
      if (!tracked[i]) continue;
      stored.a.gradient[i] = {gradient_at(ids[i]), mode_of(opened.operation, i, ids[i])};
    }
    node.run = [](Node& n) {
      auto& c = *std::launder(reinterpret_cast<Stored*>(n.closure));
      Tape& tape = *c.tape;
      if (tape.poison_) {
        for (std::size_t i = 0; i < inputs; ++i) {
          const Mode mode = c.a.gradient[i].mode;
          if (mode == Mode::write || mode == Mode::write_zero_rest) tape.poison(c.a.gradient[i].at, c.sizes[i]);
        }
        tape.poison(c.a.work.per_sample, Call::facts.backward_work.per_sample * c.a.count);
        tape.poison(c.a.work.fixed, Call::facts.backward_work.fixed);
      }
      const auto start = tape.clock_start();
      c.op.backward(c.a);
      tape.clock_stop(start, c.operation, Op::name, &Timing::backward);
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
    stored.a.state = room(plan_->state_again[opened.operation]);
    stored.a.work = room(plan_->again_work[opened.operation]);
    node.run = [](Node& n) {
      auto& c = *std::launder(reinterpret_cast<Stored*>(n.closure));
      Tape& tape = *c.tape;
      if (tape.poison_) {
        tape.poison(c.a.out, Call::elements * (Call::batched ? tape.count_ : 1));
        tape.poison(c.a.state.per_sample, Call::facts.state.per_sample * c.a.count);
        tape.poison(c.a.state.fixed, Call::facts.state.fixed);
        tape.poison(c.a.work.per_sample, Call::facts.forward_work.per_sample * c.a.count);
        tape.poison(c.a.work.fixed, Call::facts.forward_work.fixed);
      }
      const auto start = tape.clock_start();
      forward(c.op, c.a);
      tape.clock_stop(start, c.operation, Op::name, &Timing::again);
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
        in[i] = at(plan_->again[static_cast<std::size_t>(ids[i])]);
      }
    }
    const Place& again = plan_->again[static_cast<std::size_t>(output)];
    if (again.bytes) out = at(again);
  }
  WorkRoom<value> room(const PlacePair& pair) const { return WorkRoom<value>{at(pair.per_sample), at(pair.fixed)}; }
  Mode mode_of(std::size_t operation, std::size_t input, int id) const {
    if (!plan_) return Mode::add;
    const Mode mode = plan_->mode[operation][input];
    return adds_ && mode != Mode::none && static_cast<std::size_t>(id) < parameters_ ? Mode::add : mode;
  }
  [[gnu::noinline]] void check_finite(const value* data, std::size_t size, std::size_t k, const char* what) const {
    const std::size_t at = detail::first_not_finite<Memory>(data, size);
    if (at == size || !plan_) return;
    throw error(std::string("not finite: ") + what + " of " + detail::operation_name(*trace_, k, paths_) + " in step " +
                std::to_string(random_.step) + ", element " + std::to_string(at) + " of " + std::to_string(size) +
                ", is " + std::to_string(data[at]));
  }
  [[gnu::noinline]] void poison(value* data, std::size_t size) const {
    if (poison_ && data) std::fill(data, data + size, std::numeric_limits<value>::quiet_NaN());
  }
  using clock = std::chrono::steady_clock;
  clock::time_point clock_start() const { return timed_ ? clock::now() : clock::time_point(); }
  void clock_stop(clock::time_point start, std::size_t operation, const char* name, double Timing::*part) {
    if (timed_) add_timing(start, operation, name, part);
  }
  [[gnu::noinline]] void add_timing(clock::time_point start, std::size_t operation, const char* name,
                                    double Timing::*part) {
    const double seconds = std::chrono::duration<double>(clock::now() - start).count();
    if (timings_.size() <= operation) timings_.resize(operation + 1);
    Timing& timing = timings_[operation];
    timing.name = name;
    timing.*part += seconds;
    if (part == &Timing::forward) ++timing.calls, timing.samples += count_;
  }

  const Backend* backend_;
  const Trace* trace_ = nullptr;
  const Plan* plan_ = nullptr;
  std::size_t count_ = 0, capacity_ = 0, next_operation_ = 0;
  int next_value_ = 0;
  bool poison_ = false, timed_ = false, check_finite_ = false, adds_ = false, finished_ = false;
  value loss_gradient_ = 1;
  std::vector<std::string> paths_;
  RandomStream random_;
  std::uint32_t first_sample_ = 0;
  std::size_t parameters_ = 0;
  value* parameter_gradients_ = nullptr;
  const std::size_t* parameter_offsets_ = nullptr;
  const value* parameter_values_ = nullptr;
  const value* (*find_packed_)(const void*, const value*, std::size_t) = nullptr;
  const void* packed_owner_ = nullptr;
  Buffer<value, Memory> arena_;       // the fixed region, then the batched one
  value* base_ = nullptr;             // of the arena
  std::vector<Node> nodes_, reruns_;  // of a step: by operation
  std::vector<Timing> timings_;
  std::vector<Buffer<value, Memory>> kept_;  // retaining tape only
  std::vector<std::pair<value*, std::size_t>> kept_gradients_;
};

}  // namespace vitrail::inline VITRAIL_TU
