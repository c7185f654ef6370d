// adamw.hpp - Adam with decoupled weight decay (Loshchilov and Hutter 2019), torch.optim.AdamW, on the flat buffers of
// a model.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../autodiff/step.hpp"
#include "../backend/rows.hpp"
#include "../error.hpp"
#include "layer_decay.hpp"

namespace vitrail::inline VITRAIL_TU {

struct AdamWOptions {
  double rate = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  // For parameters that decay: not for biases, norms, class token and positions, as in timm.
  double weight_decay = 0.05;
  // The rate of each layer, as a multiple of that of the one behind it (layers_behind); 1: one rate for all.
  double layer_decay = 1;
};

namespace detail {
template <class T>
struct AdamWUpdate {
  using value = T;
  T *weight, *first, *second;
  const T* gradient;
  T beta1, beta2, keep, step, correction, eps;  // correction: 1 / sqrt(1 - beta2^t); step: rate / (1 - beta1^t)
  template <class L, class J>
  VITRAIL_FUNCTION void at(J j) const {
    const L g = get<L>(gradient, j);
    const L m = get<L>(first, j) * L(beta1) + g * L(T(1) - beta1);
    const L v = get<L>(second, j) * L(beta2) + g * g * L(T(1) - beta2);
    put<L>(first, j, m);
    put<L>(second, j, v);
    put<L>(weight, j, get<L>(weight, j) * L(keep) - m * L(step) / (vitrail::sqrt(v) * L(correction) + L(eps)));
  }
};
}  // namespace detail

// Moments exist for trainable parameters only. A parameter that the loss did not reach is left as it is.
template <class Model>
class AdamW {
 public:
  using value = typename Model::value;
  using Moments = Buffer<value, typename Model::Backend::memory>;

  // Throws error for a layer decay of a model whose layers are not known.
  explicit AdamW(const Model& model, AdamWOptions o = {})
      : options(o), model_(&model), first_(model.trainable().size()), second_(model.trainable().size()) {
    if (options.layer_decay != 1) behind_ = layers_behind(model);
  }

  // One update from the gradients of the step just run, at options.rate. Throws error if the step is of another model.
  template <class F>
  void update(const TrainingStep<Model, F>& step) {
    Model& model = step.model();
    if (&model != model_) throw error("AdamW: the step is of another model than the optimiser's moments");
    auto& store = model.trainable();
    if (options.layer_decay != 1 && behind_.empty()) behind_ = layers_behind(model);
    const auto rate_of = [&](std::size_t k) {
      const double layer = behind_.empty() ? 1 : std::pow(options.layer_decay, static_cast<double>(behind_[k]));
      return store.table[k].rate * layer;
    };
    const double t = static_cast<double>(++updates_);
    const double rate = options.rate / (1 - std::pow(options.beta1, t));
    const double correction = 1 / std::sqrt(1 - std::pow(options.beta2, t));
    // Neighbours that are treated alike go in one call: a model has hundreds of small parameters.
    for (std::size_t i = 0; i < store.table.size();) {
      std::size_t end = i + 1;
      auto alike = [&](std::size_t k) {
        return step.reached(k) == step.reached(i) && store.table[k].decays == store.table[i].decays &&
               rate_of(k) == rate_of(i);
      };
      while (end < store.table.size() && alike(end)) ++end;
      if (step.reached(i)) {
        const std::size_t at = store.table[i].offset;
        const std::size_t last = store.table[end - 1].offset + store.table[end - 1].size;
        const double own = rate_of(i);
        const double keep = 1 - options.rate * own * (store.table[i].decays ? options.weight_decay : 0);
        model.backend().elementwise(
            last - at,
            detail::AdamWUpdate<value>{store.values.data() + at, first_.data() + at, second_.data() + at,
                                       step.gradients() + at, value(options.beta1), value(options.beta2), value(keep),
                                       value(rate * own), value(correction), value(options.eps)});
      }
      i = end;
    }
    model.values_changed();
  }

  const Model& model() const { return *model_; }
  std::uint64_t updates() const { return updates_; }
  const Moments& first_moments() const { return first_; }
  const Moments& second_moments() const { return second_; }

  // Calls f(name, member) for what a checkpoint must hold; writing to the members resumes. The moments are parallel to
  // model().trainable() and keep their sizes.
  static void visit(auto& self, auto&& f) {
    f("optimiser.updates", self.updates_);
    f("optimiser.first", self.first_);
    f("optimiser.second", self.second_);
  }

  AdamWOptions options;

 private:
  const Model* model_;
  Moments first_, second_;
  std::vector<std::size_t> behind_;  // of each parameter, if layers have rates of their own
  std::uint64_t updates_ = 0;
};

}  // namespace vitrail::inline VITRAIL_TU
