// tape.hpp - the context that runs. With a plan it is the step tape: every value has its place in one arena. Without,
// it is the retaining tape: it grows, keeps everything, and backward may run again, for gradient checks and inspection.
#pragma once

#include <array>
#include <cstdint>
#include <new>
#include <type_traits>

#include "../error.hpp"
#include "driver.hpp"
#include "step_inputs.hpp"
#include "tape_core.hpp"

namespace vitrail::inline VITRAIL_TU {

template <class P, bool Gradients, bool Training = Gradients>
class Tape : public TapeCore<P> {
  using Core = TapeCore<P>;
  using Node = typename Core::Node;

 public:
  using value = typename P::value;
  using Backend = typename P::backend;
  static constexpr bool gradients = Gradients, training = Training;
  using Core::count;
  template <bool Batched>
  using StoredHere = typename detail::StoredIn<Tape, Batched>::type;

  // The retaining tape.
  explicit Tape(const Backend& backend) : Core(backend, Gradients) {}
  // The step tape.
  Tape(const Backend& backend, const Trace& trace, const Plan& plan) : Core(backend, trace, plan, Gradients) {}

  // An input of the step: `data` stays where it is and must live as long as the step.
  template <class S, bool Batched>
  auto input(const StoredHere<Batched>* data) {
    if (!plan_) memory_.retain_gradient(0, Batched);
    return Var<S, Batched, false, Tape>(this, next_value_++, const_cast<StoredHere<Batched>*>(data));
  }
  // An input with a gradient, which gradient() gives after backward: what a saliency map or a gradient check asks for.
  // On the retaining tape only.
  template <class S, bool Batched>
  auto tracked_input(const StoredHere<Batched>* data) {
    static_assert(Gradients, "tracked_input: this tape has no gradients");
    if (plan_) throw error("tracked_input: a planned step has gradients of parameters only; use the retaining tape");
    memory_.retain_gradient(S::size * (Batched ? count() : 1), Batched);
    return Var<S, Batched, true, Tape>(this, next_value_++, const_cast<StoredHere<Batched>*>(data));
  }
  template <std::size_t Length = 1>
  LabelsVar<Tape, Length> labels(const int* host) {
    return labels<Length>(host, labels_.place(*backend_, host, count() * Length));
  }
  // Those that are already where operations read them.
  template <std::size_t Length = 1>
  LabelsVar<Tape, Length> labels(const int* host, const int* placed) {
    label_checks_.begin(host);
    return {this, placed, host};
  }
  // check(labels, count) throws where an operation could not do with them.
  template <std::size_t Length, std::size_t Stride, class Check>
  void check_labels(const LabelsVar<Tape, Length, Stride>& labels, const Check& check) {
    label_checks_.make(labels.host, count(), Length, check);
  }

  template <class Op, class... V>
  auto run(const Op& op, const V&... v) {
    using Call = Signature<Op, P, V...>;
    (void)Call::check();
    constexpr std::size_t inputs = sizeof...(V);
    static constexpr detail::CallFacts call{Op::name,      Op::shape::size, Call::any_batched,
                                            Call::batched, Call::tracked,   Call::facts};
    const int ids[] = {v.id...};
    const typename Core::Opened opened = this->open(call, ids, inputs);
    using A = Arguments<P, inputs, Call::stored>;
    A a;
    a.backend = backend_;
    a.count = opened.count;
    std::size_t i = 0;
    ((a.packed[i] = packed<Op>(v), a.in[i++] = v.data), ...);
    a.out = static_cast<typename A::result*>(opened.out);
    a.state = opened.state;
    a.work = opened.work;
    a.random = random_;
    a.random.site = static_cast<std::uint32_t>(opened.operation);
    a.first_sample = first_sample_;
    const auto start = timer_.start();
    forward(op, a);
    timer_.stop(start, opened.operation, Op::name, &OperationTiming::forward, count());
    const auto out = a.out;
    if (check_finite_)
      this->check_finite(out, call.elements * (call.batched ? count() : 1), opened.operation, "the result");
    if constexpr (Gradients) {
      if (plan_) this->move_to_backward(ids, inputs, opened.id, a.in, a.out);
      if (plan_ && plan_->rerun[opened.operation]) record_rerun<Call>(op, a, opened);
    }
    if constexpr (Call::tracked) {
      if (!plan_ || plan_->live[opened.operation]) record_backward<Call>(op, a, opened, v...);
    }
    return typename Call::template result<Tape>(this, opened.id, out);
  }

  // Runs backward from a scalar loss of this step; afterwards the gradients of the parameters lie where set_parameters
  // said. On the retaining tape those of all other values are zeroed first, and those of parameters added to what is
  // there: who runs it again zeroes them.
  template <class V>
  void backward(const V& loss) {
    static_assert(V::tracked, "backward: nothing trainable flows into this loss");
    static_assert(V::shape::size == 1 && !V::batched, "backward: the loss is one number for the whole batch");
    this->run_backward(loss.id);
  }
  // The gradient of a tracked value after backward, on the retaining tape (a step's plan gives the memory to others).
  template <class V>
  const typename V::stored* gradient(const V& v) const {
    static_assert(V::tracked, "gradient: nothing trainable flows into this value");
    if (plan_) throw error("gradient: a planned step keeps gradients of parameters only; use the retaining tape");
    return static_cast<const typename V::stored*>(memory_.gradient_at(v.id));
  }

 private:
  using Core::backend_, Core::check_finite_, Core::first_sample_, Core::label_checks_, Core::memory_, Core::next_value_,
      Core::nodes_, Core::plan_, Core::random_, Core::reruns_, Core::timer_;

  template <class Op, class A, std::size_t Inputs>
  struct Closure {
    Op op;
    A a;
    Tape* tape;
    std::size_t operation;
    std::array<std::size_t, Inputs> sizes;  // elements of the gradients
  };

  template <class Op, class V>
  const value* packed(const V& v) const {
    if constexpr (detail::packed_inputs<Op>() != 0 && !V::batched && !Gradients && V::shape::rank > 0) {
      return this->find_packed(v.id, v.data, V::shape::dims[0]);
    } else {
      return nullptr;
    }
  }
  template <class Call, class Op, class A, class... V>
  void record_backward(const Op& op, const A& a, const typename Core::Opened& opened, const V&... v) {
    constexpr std::size_t inputs = sizeof...(V);
    using Stored = Closure<Op, A, inputs>;
    static_assert(sizeof(Stored) <= sizeof(Node::closure),
                  "an operation keeps too much for its backward: at most 512 bytes with its arguments");
    static_assert(std::is_trivially_copyable_v<Stored>,
                  "an operation (or a function in an expression) must be trivially copyable: it is kept as bytes");
    Node& node = plan_ ? nodes_[opened.operation] : nodes_.emplace_back();
    auto& stored =
        *new (node.closure) Stored{op, a, this, opened.operation, {(V::shape::size * (V::batched ? count() : 1))...}};
    stored.a.out_gradient = static_cast<const typename A::result*>(memory_.gradient_at(opened.id));
    if (plan_) {
      const bool rerun = plan_->rerun[opened.operation];
      stored.a.state = memory_.at((rerun ? plan_->state_again : plan_->state)[opened.operation]);
      stored.a.work = memory_.at(plan_->backward_work[opened.operation]);
    }
    const int ids[] = {v.id...};
    constexpr bool tracked[] = {V::tracked...};
    for (std::size_t i = 0; i < inputs; ++i) {
      if (!tracked[i]) continue;
      stored.a.gradient[i] = {static_cast<typename A::Address>(memory_.gradient_at(ids[i])),
                              this->mode_of(opened.operation, i, ids[i])};
    }
    node.run = [](Node& n) {
      auto& c = *std::launder(reinterpret_cast<Stored*>(n.closure));
      Tape& tape = *c.tape;
      if (tape.memory_.poisons()) {
        for (std::size_t i = 0; i < inputs; ++i) {
          const Mode mode = c.a.gradient[i].mode;
          if (mode == Mode::write || mode == Mode::write_zero_rest) {
            tape.memory_.poison(c.a.gradient[i].at, c.sizes[i], (Call::stored >> i) & 1);
          }
        }
        tape.memory_.poison(c.a.work, Call::facts.backward_work, c.a.count);
      }
      const auto start = tape.timer_.start();
      c.op.backward(c.a);
      tape.timer_.stop(start, c.operation, Op::name, &OperationTiming::backward, 0);
      for (std::size_t i = 0; tape.check_finite_ && i < inputs; ++i) {
        if (!c.a.gradient[i].wanted()) continue;
        tape.check_finite(c.a.gradient[i].at, (Call::stored >> i) & 1, c.sizes[i], c.operation, "a gradient");
      }
    };
  }
  // Notes that forward runs again while backward does, with its inputs and result where backward has them.
  template <class Call, class Op, class A>
  void record_rerun(const Op& op, const A& a, const typename Core::Opened& opened) {
    constexpr std::size_t inputs = Call::inputs;
    using Stored = Closure<Op, A, inputs>;
    Node& node = reruns_[opened.operation];
    auto& stored = *new (node.closure) Stored{op, a, this, opened.operation, {}};
    stored.a.state = memory_.at(plan_->state_again[opened.operation]);
    stored.a.work = memory_.at(plan_->again_work[opened.operation]);
    node.run = [](Node& n) {
      auto& c = *std::launder(reinterpret_cast<Stored*>(n.closure));
      Tape& tape = *c.tape;
      if (tape.memory_.poisons()) {
        tape.memory_.poison(c.a.out, Call::elements * (Call::batched ? tape.count() : 1), Call::batched);
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

  detail::Placed<int, Backend> labels_;
};

}  // namespace vitrail::inline VITRAIL_TU
