// runs.hpp - runs one case forward and backward: on the retaining tape, or planned as a step is, with probes at its
// inputs.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <type_traits>
#include <vector>

#include <vitrail/autodiff/gradient_check.hpp>
#include <vitrail/backend/openmp.hpp>

#include "registry.hpp"

namespace registry {

template <class B>
B make_backend(std::size_t threads = 2, vitrail::isa level = vitrail::best_isa()) {
  if constexpr (std::is_constructible_v<B, vitrail::Workers>) {
    return B(vitrail::Workers{threads, level});
  } else {
    return B(vitrail::backend{});
  }
}

// A result and the gradients of the tracked inputs for out_gradient = fixed random weights.
template <class T>
struct Result {
  std::vector<T> out;
  std::vector<std::vector<T>> gradients;
};

template <class T, class Memory = vitrail::HostMemory>
struct Data {
  std::vector<vitrail::Buffer<T, Memory>> inputs;
  std::deque<vitrail::Buffer<vitrail::bf16, Memory>> stored;  // those that lie so
  std::vector<int> labels;
  std::size_t count;
  vitrail::Buffer<T, Memory> weights;
  bool coarse_weights = false;  // exact in bf16

  explicit Data(const Problem& p) : labels(p.labels), count(p.count) {
    for (const Values& values : p.inputs) {
      const std::vector<T> rounded(values.begin(), values.end());
      inputs.emplace_back(values.size());
      Memory::copy(inputs.back().data(), rounded.data(), values.size() * sizeof(T));
    }
  }
  // Input `at` as a tape of values X takes it.
  template <class X>
  const X* as(std::size_t at) {
    if constexpr (std::is_same_v<X, T>) {
      return inputs[at].data();
    } else {
      const auto values = vitrail::detail::vector_of<Memory>(inputs[at].data(), inputs[at].size());
      std::vector<X> short_ones;
      for (const T x : values) short_ones.emplace_back(x);
      stored.emplace_back(values.size());
      Memory::copy(stored.back().data(), short_ones.data(), values.size() * sizeof(X));
      return stored.back().data();
    }
  }
  const T* weights_for(std::size_t size) {
    if (weights.size() != size) {
      std::vector<T> drawn(size);
      vitrail::detail::draw_weights(5, drawn.data(), size);
      for (T& x : drawn) {
        if (coarse_weights) x = static_cast<T>(vitrail::bf16(static_cast<float>(x)));
      }
      weights = vitrail::Buffer<T, Memory>(size);
      Memory::copy(weights.data(), drawn.data(), size * sizeof(T));
    }
    return weights.data();
  }
};
template <class P>
using DataFor = Data<typename P::value, typename P::backend::memory>;

// Passes its input on, and copies the gradient that arrives to where the test can read it after the plan has given the
// memory to others. The second input is a parameter that makes the result tracked.
template <class S, class T>
struct ProbeOp {
  using shape = S;
  static constexpr const char* name = "probe";
  T* capture;
  template <class P>
  static constexpr vitrail::Facts facts(std::array<bool, 2>) {
    return {};
  }
  template <class P>
  void forward(const vitrail::Arguments<P, 2>& a) const {
    std::copy_n(a.in[0], a.count * S::size, a.out);
  }
  template <class P>
  void backward(const vitrail::Arguments<P, 2>& a) const {
    std::copy_n(a.out_gradient, a.count * S::size, capture);
    if (a.gradient[1].wanted() && !a.gradient[1].adds()) *a.gradient[1].at = T(0);
  }
};

template <class C, class L, class Vars>
auto build(const C& c, const L& labels, const Vars& vars) {
  return std::apply([&](const auto&... v) { return vitrail::evaluate(c.build(labels, v...)); }, vars);
}

// On the retaining tape, inputs as tracked leaves. The case's op is the first on the tape.
template <class P, class C, class T = typename P::value>
Result<T> run_retaining(const C& c, DataFor<P>& data, const typename P::backend& backend) {
  using Memory = typename P::backend::memory;
  vitrail::Tape<P, true> tape(backend);
  tape.set_random(stream, first_sample);
  tape.begin(data.count);
  std::size_t at = 0;
  auto leaf = [&](const auto& in) {
    using In = std::remove_cvref_t<decltype(in)>;
    const auto* values =
        data.template as<std::conditional_t<In::batched, vitrail::stored_of<P>, typename P::value>>(at++);
    if constexpr (In::tracked) {
      return tape.template tracked_input<typename In::shape, In::batched>(values);
    } else {
      return tape.template input<typename In::shape, In::batched>(values);
    }
  };
  const auto vars = std::apply([&](const auto&... in) { return std::tuple{leaf(in)...}; }, c.inputs);
  const auto y = build(c, tape.labels(data.labels.data()), vars);
  const std::size_t size = vitrail::detail::elements_of(y, data.count);
  tape.backward(vitrail::detail::weighted_sum(y, data.weights_for(size)));
  const auto values_of = [](const auto* from, std::size_t count) {
    const auto values = vitrail::detail::vector_of<Memory>(from, count);
    return std::vector<T>(values.begin(), values.end());
  };
  Result<T> result{values_of(y.data, size), {}};
  auto collect = [&](const auto& v) {
    if constexpr (std::remove_cvref_t<decltype(v)>::tracked) {
      result.gradients.push_back(values_of(tape.gradient(v), vitrail::detail::elements_of(v, data.count)));
    }
  };
  std::apply([&](const auto&... v) { (collect(v), ...); }, vars);
  return result;
}

// The inputs of a case as a step has them: tracked ones that are not batched are parameters, tracked ones that are are
// probes. `Context` is a trace or a tape.
template <class C, class Context, class T>
struct ProbedInputs {
  Context& context;
  const Data<T>& data;
  Result<T>& result;
  const T* dummy;
  std::size_t at = 0;
  int slot = 1;  // 0: what probes are tracked by

  template <class In>
  auto leaf(const In&) {
    using S = typename In::shape;
    using Value = typename Context::value;
    Value* values = const_cast<Value*>(data.inputs[at].data());
    const std::size_t size = S::size * (In::batched ? data.count : 1), now = at++;
    if constexpr (In::tracked && !In::batched) {
      return vitrail::Var<S, false, true, Context>(&context, slot++, values);
    } else if constexpr (In::tracked) {
      const vitrail::Var<vitrail::Shape<1>, false, true, Context> by(&context, 0, const_cast<Value*>(dummy));
      result.gradients[now].resize(size);
      return vitrail::apply(&context, ProbeOp<S, T>{result.gradients[now].data()}, input<S, true>(values), by);
    } else {
      return input<S, In::batched>(values);
    }
  }
  template <class S, bool Batched>
  auto input(const T* values) {
    if constexpr (requires { context.trace; }) {
      return context.template input<S, Batched>();
    } else {
      return context.template input<S, Batched>(values);
    }
  }
  auto labels() {
    if constexpr (requires { context.trace; }) {
      return context.labels();
    } else {
      return context.labels(data.labels.data());
    }
  }
};
template <class C, class Context, class T>
auto probed_loss(const C& c, Context& context, Data<T>& data, Result<T>& result, const T* dummy) {
  ProbedInputs<C, Context, T> inputs{context, data, result, dummy};
  const auto vars = std::apply([&](const auto&... in) { return std::tuple{inputs.leaf(in)...}; }, c.inputs);
  const auto y = build(c, inputs.labels(), vars);
  const std::size_t size = vitrail::detail::elements_of(y, data.count);
  const auto loss = vitrail::detail::weighted_sum(y, data.weights_for(size));
  if constexpr (!requires { context.trace; }) result.out.assign(y.data, y.data + size);
  return loss;
}

template <class C>
constexpr auto parameter_sizes(const C& c) {
  std::vector<std::size_t> sizes{1};
  auto look = [&](const auto& in) {
    using In = std::remove_cvref_t<decltype(in)>;
    if (In::tracked && !In::batched) sizes.push_back(In::shape::size);
  };
  std::apply([&](const auto&... in) { (look(in), ...); }, c.inputs);
  return sizes;
}
template <class P, class C, class T = typename P::value>
std::unique_ptr<vitrail::detail::Schedule> schedule_of(const C& c, Data<T>& data) {
  auto schedule = std::make_unique<vitrail::detail::Schedule>();
  const auto sizes = parameter_sizes(c);
  schedule->trace.parameters = sizes.size();
  for (const std::size_t size : sizes) schedule->trace.values.push_back({size, -1, false, true});
  vitrail::Meta<P, true> meta{&schedule->trace};
  Result<T> ignored;
  ignored.gradients.resize(data.inputs.size());
  const auto loss = probed_loss(c, meta, data, ignored, static_cast<const T*>(nullptr));
  // Whatever may run again in backward does: the retaining tape keeps all.
  vitrail::plan_step(schedule->trace, loss.id, {sizeof(T), sizeof(T)}, schedule->plan, {.recompute_share = 1e9});
  return schedule;
}
using EditPlan = void (*)(const vitrail::Trace&, vitrail::Plan&);
// The same program on the step tape, poisoned with NaN, or on the retaining tape. `edit` spoils the plan, for negative
// controls.
template <class P, class C, class T = typename P::value>
Result<T> run_probed(const C& c, Data<T>& data, const typename P::backend& backend, bool planned,
                     EditPlan edit = nullptr) {
  const auto schedule = schedule_of<P>(c, data);
  if (edit) edit(schedule->trace, schedule->plan);
  const auto sizes = parameter_sizes(c);
  std::vector<std::size_t> offsets;
  std::size_t total = 0;
  for (const std::size_t size : sizes) {
    offsets.push_back(total);
    total += vitrail::HostMemory::round_up(size * sizeof(T)) / sizeof(T);
  }
  vitrail::Buffer<T> gradients(total), dummy(1);
  if (planned) std::fill_n(gradients.data(), total, std::numeric_limits<T>::quiet_NaN());
  auto tape =
      planned ? vitrail::Tape<P, true>(backend, schedule->trace, schedule->plan) : vitrail::Tape<P, true>(backend);
  tape.set_parameters(sizes.size(), gradients.data(), offsets.data());
  tape.set_random(stream, first_sample);
  tape.set_poison(true);
  tape.begin(data.count);
  Result<T> result;
  result.gradients.resize(data.inputs.size());
  tape.backward(probed_loss(c, tape, data, result, static_cast<const T*>(dummy.data())));
  std::size_t slot = 1, at = 0;
  auto collect = [&](const auto& in) {
    using In = std::remove_cvref_t<decltype(in)>;
    if (In::tracked && !In::batched) {
      const T* from = gradients.data() + offsets[slot];
      result.gradients[at].assign(from, from + sizes[slot]);
      ++slot;
    }
    ++at;
  };
  std::apply([&](const auto&... in) { (collect(in), ...); }, c.inputs);
  return result;
}

}  // namespace registry
