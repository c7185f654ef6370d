// adamw.hpp - Adam with decoupled weight decay (Loshchilov and Hutter 2019), torch.optim.AdamW, on the flat buffers of
// a model.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "../autodiff/step.hpp"
#include "../error.hpp"
#include "adamw_pieces.hpp"
#include "layer_decay.hpp"

namespace vitrail::inline VITRAIL_TU {

struct AdamWOptions {
  double rate = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
  // For parameters that decay: not for biases, norms, class token and positions, as in timm.
  double weight_decay = 0.05;
  // The rate of each layer, as a multiple of that of the one behind it (layers_behind); 1: one rate for all.
  double layer_decay = 1;
};

// Moments exist for trainable parameters only. A parameter that the loss did not reach is left as it is.
template <class Model>
class AdamW {
 public:
  using value = typename Model::value;
  using Memory = typename Model::Backend::memory;
  using Moments = Buffer<value, Memory>;

  // Throws error for a layer decay of a model whose layers are not known.
  explicit AdamW(const Model& model, AdamWOptions o = {})
      : options(o), model_(with_room(model)), first_(model.trainable().size()), second_(model.trainable().size()) {
    if (options.layer_decay != 1) behind_ = layers_behind(model);
  }

  // One update from the gradients of the step just run, at options.rate. Throws error if the step is of another model.
  template <class F>
  void update(const TrainingStep<Model, F>& step) {
    Model& model = step.model();
    if (&model != model_) throw error("AdamW: the step is of another model than the optimiser's moments");
    if (options.layer_decay != 1 && behind_.empty()) behind_ = layers_behind(model);
    const double t = static_cast<double>(++updates_);
    const double rate = options.rate / (1 - std::pow(options.beta1, t));
    const double correction = 1 / std::sqrt(1 - std::pow(options.beta2, t));
    if constexpr (Memory::host_readable) {
      update_in_turn(step, model, rate, correction);
    } else {
      update_at_once(step, model, rate, correction);
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
  static const Model* with_room(const Model& model) {
    detail::use_device(model.backend());
    detail::check_planned_on(model.backend(), "AdamW", {{"moments", 2 * model.trainable().size() * sizeof(value)}});
    return &model;
  }
  // The learning rate of a parameter is options.rate, times this.
  double rate_of(std::size_t k) const {
    const double layer = behind_.empty() ? 1 : std::pow(options.layer_decay, static_cast<double>(behind_[k]));
    return model_->trainable().table[k].rate * layer;
  }
  template <class S>
  void update_in_turn(const S& step, Model& model, double rate, double correction) {
    auto& store = model.trainable();
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
  }
  template <class S>
  void update_at_once(const S& step, Model& model, double rate, double correction) {
    detail::use_device(model.backend());
    auto& store = model.trainable();
    bool known = reached_.size() == store.table.size() && decay_of_pieces_ == options.layer_decay;
    for (std::size_t k = 0; known && k < store.table.size(); ++k) known = reached_[k] == step.reached(k);
    if (!known) {
      const auto pieces = detail::adamw_pieces<value>(
          store.table, [&](std::size_t k) { return step.reached(k); }, [&](std::size_t k) { return rate_of(k); });
      pieces_ = Buffer<detail::AdamWPiece<value>, Memory>(pieces.size());
      Memory::copy(pieces_.data(), pieces.data(), pieces.size() * sizeof(pieces[0]));
      decay_of_pieces_ = options.layer_decay;
      reached_.resize(store.table.size());
      for (std::size_t k = 0; k < reached_.size(); ++k) reached_[k] = step.reached(k);
    }
    const detail::AdamWUpdate<value> whole{store.values.data(),  first_.data(),        second_.data(), step.gradients(),
                                           value(options.beta1), value(options.beta2), value(0),       value(rate),
                                           value(correction),    value(options.eps)};
    model.backend().rows(pieces_.size(), detail::adamw_piece,
                         detail::AdamWPieces<value>{pieces_.data(), whole, value(options.rate * options.weight_decay)});
  }

  const Model* model_;
  Moments first_, second_;
  Buffer<detail::AdamWPiece<value>, Memory> pieces_;  // of a device
  std::vector<bool> reached_;                         // those that the pieces are of
  double decay_of_pieces_ = 1;
  std::vector<std::size_t> behind_;  // of each parameter, if layers have rates of their own
  std::uint64_t updates_ = 0;
};

}  // namespace vitrail::inline VITRAIL_TU
