// ema.hpp - the exponential moving average of a model's trainable parameters, which often generalises better than their
// last values. After each update of the optimiser
//   average += (1 - decay) (value - average),
// torch.lerp(average, value, 1 - decay) as in torch.optim.swa_utils.get_ema_multi_avg_fn and timm's ModelEmaV3. In this
// form, unlike decay * average + (1 - decay) * value, a parameter that stands still is its own average to the bit.
#pragma once

#include <cstddef>
#include <string>

#include "../backend/planned_memory.hpp"
#include "../backend/rows.hpp"
#include "../backend/values.hpp"
#include "../error.hpp"

namespace vitrail::inline VITRAIL_TU {

namespace detail {
// Both programs only wait for memory.
template <class T>
struct EmaUpdate {
  using value = T;
  static constexpr bool is_minor = true;
  T* average;
  const T* current;
  T share;  // 1 - decay
  template <class L, class J>
  VITRAIL_FUNCTION void at(J j) const {
    const L a = get<L>(average, j);
    put<L>(average, j, a + (get<L>(current, j) - a) * L(share));
  }
};
template <class T>
struct ExchangeValues {
  using value = T;
  static constexpr bool is_minor = true;
  T *first, *second;
  template <class L, class J>
  VITRAIL_FUNCTION void at(J j) const {
    const L a = get<L>(first, j), b = get<L>(second, j);
    put<L>(first, j, b);
    put<L>(second, j, a);
  }
};
}  // namespace detail

// Starts as a copy of the model's values. The model must outlive it.
template <class Model>
class Ema {
 public:
  using value = typename Model::value;
  using Values = Buffer<value, typename Model::Backend::memory>;

  // The model has the averaged values as long as this lives, and its own again, to the bit, afterwards; neither the
  // average may be moved nor the model trained in between.
  class InUse {
   public:
    InUse(Ema& ema, Model& model) : ema_(&ema), model_(&model) { exchange(); }
    ~InUse() { exchange(); }
    InUse(const InUse&) = delete;
    InUse& operator=(const InUse&) = delete;

   private:
    void exchange() {
      auto& own = model_->trainable().values;
      model_->backend().elementwise(own.size(), detail::ExchangeValues<value>{own.data(), ema_->values_.data()});
      model_->values_changed();
      ema_->in_use_ = !ema_->in_use_;
    }
    Ema* ema_;
    Model* model_;
  };

  // Throws error unless 0 < decay < 1.
  Ema(const Model& model, double decay)
      : model_(with_room(model)), decay_(decay), values_(model.trainable().values.copy()) {
    if (!(decay > 0 && decay < 1)) {
      throw error("Ema: expected a decay between 0 and 1, found " + std::to_string(decay));
    }
  }

  // To be called after each update of the model's values. Throws error for another model, and while the average is in
  // use.
  void update(const Model& model) {
    check(model);
    const auto& now = model.trainable().values;
    const auto share = static_cast<value>(1 - decay_);
    model.backend().elementwise(values_.size(), detail::EmaUpdate<value>{values_.data(), now.data(), share});
  }
  // `const auto averaged = ema.use(model);` evaluates, or saves with save_checkpoint, the averaged model to the end of
  // the block. Throws as update does.
  [[nodiscard]] InUse use(Model& model) {
    check(model);
    return InUse(*this, model);
  }
  bool in_use() const { return in_use_; }

  double decay() const { return decay_; }
  // Parallel to model.trainable().values; the model's own values while the average is in use.
  const Values& values() const { return values_; }

  // Calls f(name, member) for what a checkpoint must hold.
  static void visit(auto& self, auto&& f) { f("ema", self.values_); }

 private:
  static const Model* with_room(const Model& model) {
    detail::use_device(model.backend());
    detail::check_planned_on(model.backend(), "Ema", {{"average", model.trainable().size() * sizeof(value)}});
    return &model;
  }
  void check(const Model& model) const {
    if (&model != model_) throw error("Ema: the average is of another model");
    if (in_use_) throw error("Ema: the model has the averaged values at the moment");
  }

  const Model* model_;
  double decay_;
  Values values_;
  bool in_use_ = false;
};

}  // namespace vitrail::inline VITRAIL_TU
