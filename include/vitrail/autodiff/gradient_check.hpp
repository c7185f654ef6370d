// gradient_check.hpp - analytic gradients against central differences, in double: of a function of tensors, or of a
// model.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "../backend/backend.hpp"
#include "../backend/philox.hpp"
#include "../backend/rows.hpp"
#include "retained_gradients.hpp"

namespace vitrail::inline VITRAIL_TU {

struct GradientCheckOptions {
  // x is moved by one and two steps each way: errors fall with the fourth power, to about 1e-13.
  double step = 1e-3;
  std::size_t most = 200;  // elements of one input that are moved; of a larger input so many are drawn
  std::uint64_t seed = 1;  // of the weights of the result and of that draw
};

// What a gradient check found. error = |analytic - numeric| / |gradient|, Euclidean norms over the elements that were
// moved. A norm below 10^7 times the rounding noise of the differences is taken as that, so that a gradient that is
// zero has an error of about 1e-7 at most, and one that should be zero and is not still shows. NaN counts as infinite.
struct GradientCheck {
  struct Entry {
    std::string name;
    std::size_t elements = 0, checked = 0;
    double error = 0, norm = 0;
  };
  std::vector<Entry> entries;

  double worst() const {
    double error = 0;
    for (const Entry& entry : entries) error = std::max(error, entry.error);
    return error;
  }
  friend std::ostream& operator<<(std::ostream& out, const GradientCheck& check) {
    for (const Entry& e : check.entries) {
      out << e.name << ": error " << e.error << " (norm " << e.norm << ", " << e.checked << " of " << e.elements
          << ")\n";
    }
    return out;
  }
};

namespace detail {

template <class T, class X>
struct Dot {
  using value = T;
  const X* x;
  const T* y;
  template <class L, class J>
  VITRAIL_FUNCTION void add(std::size_t r, J, L (&sums)[1]) const {
    sums[0] += L(T(x[r])) * L(y[r]);
  }
};
template <class T, class X>
struct ScaledBy {
  using value = T;
  const T *x, *factor;
  X* to;
  bool adds;
  template <class L, class J>
  VITRAIL_FUNCTION void at(J j) const {
    put<L>(to, j, get<L>(x, j) * L(*factor), adds);
  }
};
// sum(weights * y) over the batch: with random weights its gradient asks for every row of the Jacobian at once.
template <class S, class T>
struct WeightedSumOp {
  using shape = Shape<>;
  static constexpr const char* name = "weighted_sum";
  static constexpr bool across_batch = true;
  const T* weights;

  template <class P>
  static constexpr Facts facts(std::array<bool, 1>) {
    Facts f;
    f.forward_work.fixed = columns_workspace(1, 1);
    return f;
  }
  template <class P, unsigned Stored>
  void forward(const Arguments<P, 1, Stored>& a) const {
    using X = stored_input<0, decltype(a)>;
    a.backend->template columns<1>(a.count * S::size, 1, Dot<T, X>{input_at<0>(a), weights},
                                   Columns<T, 1>{{a.out}, {false}, a.work.fixed});
  }
  template <class P, unsigned Stored>
  void backward(const Arguments<P, 1, Stored>& a) const {
    using X = stored_input<0, decltype(a)>;
    const auto& g = a.gradient[0];
    if (!g.wanted()) return;
    a.backend->elementwise(a.count * S::size, ScaledBy<T, X>{weights, a.out_gradient, gradient_at<0>(a), g.adds()});
  }
};
template <class V>
auto weighted_sum(const V& y, const typename V::value* weights) {
  return apply(y.ctx, WeightedSumOp<typename V::shape, typename V::value>{weights}, y);
}

template <class V>
std::size_t elements_of(const V&, std::size_t count) {
  return V::shape::size * (V::batched ? count : 1);
}
// Weights of a result, in +-[0.5, 1.5]: none is small enough to hide an element.
template <class T>
void draw_weights(std::uint64_t seed, T* weights, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    const double u = 2 * uniform_at<double>({seed, 0, 0}, 0, i) - 1;
    weights[i] = static_cast<T>(u < 0 ? u - 0.5 : u + 0.5);
  }
}

// Moves elements of x, in Memory, one after the other; loss() is the function of all inputs.
template <class Memory, class Loss>
GradientCheck::Entry compare_gradient(std::string name, double* x, const double* analytic, std::size_t size,
                                      const GradientCheckOptions& options, const Loss& loss) {
  GradientCheck::Entry entry{std::move(name), size, std::min(size, options.most), 0, 0};
  double difference = 0, analytic_norm = 0, numeric_norm = 0, noise = 0;
  for (std::size_t k = 0; k < entry.checked; ++k) {
    std::size_t i = k;
    if (size > options.most) {  // one element of each of `most` equal parts
      const std::size_t begin = size * k / options.most, end = size * (k + 1) / options.most;
      i = begin +
          static_cast<std::size_t>(uniform_at<double>({options.seed, 1, 0}, 0, k) * static_cast<double>(end - begin));
    }
    const double before = value_on_host<Memory>(x + i), h = options.step;
    auto at = [&](double value) {
      Memory::copy(x + i, &value, sizeof value);
      return loss();
    };
    const double near = at(before + h) - at(before - h), far = at(before + 2 * h) - at(before - 2 * h);
    const double size_of_loss = std::max(1.0, std::abs(at(before)));  // also puts the element back
    const double numeric = (8 * near - far) / (12 * h), delta = analytic[i] - numeric;
    const double rounding = 2 * std::numeric_limits<double>::epsilon() * size_of_loss / h;
    difference += delta * delta;
    analytic_norm += analytic[i] * analytic[i];
    numeric_norm += numeric * numeric;
    noise += rounding * rounding;
  }
  entry.norm = std::sqrt(std::max(analytic_norm, numeric_norm));
  entry.error = std::sqrt(difference) / std::max(entry.norm, 1e7 * std::sqrt(noise));
  if (!(entry.error >= 0)) entry.error = std::numeric_limits<double>::infinity();
  return entry;
}

template <class X>
inline constexpr bool is_batch = false;
template <class S, class P>
inline constexpr bool is_batch<Batch<S, P>> = true;
template <class X>
struct policy_of;
template <template <class, class> class X, class S, class P>
struct policy_of<X<S, P>> {
  using type = P;
};

}  // namespace detail

// f(x...) of tensors in double: vt::Batch<S, vt::cpu_double> is one value per sample, all with the same count, and
// vt::Tensor<S, vt::cpu_double> one for the batch. Every input is tracked; f receives Vars and returns a Var or an
// expression y. What is checked is the gradient of sum(w * y) with random weights w.
//   auto check = vt::gradient_check([](auto x, auto w) { return vt::softmax(x * w); }, batch, weight);
// Elements are moved in place and put back. Batches of no samples, or of different counts, throw shape_error.
template <class F, class First, class... Others>
GradientCheck gradient_check(const F& f, const typename detail::policy_of<First>::type::backend& backend,
                             GradientCheckOptions options, First& first, Others&... others) {
  using P = typename detail::policy_of<First>::type;
  static_assert(std::is_same_v<typename P::value, double>, "gradient_check: differences in float drown in rounding");
  using Context = Tape<P, true>;
  using Memory = typename Context::Memory;
  detail::use_device(backend);
  std::size_t count = 1;
  bool found = false;
  auto find_count = [&](const auto& x) {
    if constexpr (detail::is_batch<std::remove_cvref_t<decltype(x)>>) {
      if (found && x.count() != count) {
        throw shape_error("gradient_check: a batch of " + std::to_string(x.count()) + " samples beside one of " +
                          std::to_string(count));
      }
      count = x.count();
      found = true;
    }
  };
  (find_count(first), (find_count(others), ...));
  if (count == 0) throw shape_error("gradient_check: the batch has no samples");
  Context tape(backend);
  Buffer<double, Memory> weights;
  auto leaf = [&](auto& x) {
    using X = std::remove_cvref_t<decltype(x)>;
    return tape.template tracked_input<typename X::shape, detail::is_batch<X>>(x.data());
  };
  auto forward = [&](const auto&... x) {
    const auto y = evaluate(f(x...));
    if (weights.size() == 0) {
      const std::size_t size = detail::elements_of(y, count);
      Buffer<double> drawn(size);
      detail::draw_weights(options.seed, drawn.data(), size);
      weights = detail::placed_in<Memory>(std::move(drawn));
    }
    return detail::weighted_sum(y, weights.data());
  };
  auto run = [&](auto&&... x) {  // braces: the order of the inputs on the tape
    tape.begin(count);
    return std::apply([&](const auto&... v) { return std::pair(forward(v...), std::tuple(v...)); },
                      std::tuple{leaf(x)...});
  };
  const auto [loss, inputs] = run(first, others...);
  tape.backward(loss);
  std::vector<std::vector<double>> analytic;
  std::apply(
      [&](const auto&... v) {
        (analytic.push_back(detail::vector_of<Memory>(tape.gradient(v), detail::elements_of(v, count))), ...);
      },
      inputs);
  GradientCheck check;
  auto compare = [&](auto& x) {
    const std::size_t i = check.entries.size();
    check.entries.push_back(detail::compare_gradient<Memory>(
        "input " + std::to_string(i), x.data(), analytic[i].data(), analytic[i].size(), options,
        [&] { return detail::value_on_host<Memory>(run(first, others...).first.data); }));
  };
  (compare(first), (compare(others), ...));
  return check;
}
template <class F, class First, class... Others>
requires requires { typename detail::policy_of<First>::type; }
GradientCheck gradient_check(const F& f, First& first, Others&... others) {
  const typename detail::policy_of<First>::type::backend backend{};
  return gradient_check(f, backend, GradientCheckOptions{}, first, others...);
}

// The gradients of a model's trainable parameters for the callable of a training step: f(net, x, labels) returns a
// vt::Step. One entry for each parameter, under its path. What is dropped is the same in all runs. Values are moved in
// place and put back.
template <class Model, class F>
requires requires { typename Model::module; }
GradientCheck gradient_check(Model& model, const F& f,
                             const BatchView<typename Model::module::input, const double>& images, const Labels& labels,
                             const GradientCheckOptions& options = {}) {
  using P = typename Model::policy;
  static_assert(std::is_same_v<typename P::value, double>, "gradient_check: differences in float drown in rounding");
  using Input = typename Model::module::input;
  constexpr std::size_t label_count = labels_per_sample<typename Model::module>();
  detail::check_counts("gradient_check", images.count(), labels.count(), label_count);
  auto& store = model.trainable();
  using Memory = typename Model::Memory;
  detail::use_device(model.backend());
  Buffer<double, Memory> gradients(store.size());
  retained_gradients(model, f, images, labels, gradients.data());
  Tape<P, true> tape(model.backend());
  tape.set_parameters(store.table.size(), gradients.data(), store.offsets.data(), store.values.data());
  tape.set_random({model.random_seed(), 0, 0}, 0);
  detail::Placed<double, typename Model::Backend> placed;
  const double* const given = placed.place(model.backend(), images.data(), images.count() * Input::size);
  auto loss = [&] {
    tape.begin(images.count());
    const auto out = f(std::as_const(model).net(), tape.template input<Input, true>(given),
                       tape.template labels<label_count>(labels.data()));
    return detail::value_on_host<Memory>(out.loss.data);
  };
  const Buffer<double> analytic = detail::host_copy(gradients);
  GradientCheck check;
  for (const auto& info : store.table) {
    check.entries.push_back(detail::compare_gradient<Memory>(info.path, store.values.data() + info.offset,
                                                             analytic.data() + info.offset, info.size, options, loss));
  }
  model.values_changed();
  return check;
}

}  // namespace vitrail::inline VITRAIL_TU
