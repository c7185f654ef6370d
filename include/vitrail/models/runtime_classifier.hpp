// runtime_classifier.hpp - a backbone of static shapes with a head whose number of classes is known when the program
// runs: for inference with a checkpoint that says how many there are.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../autodiff/predict.hpp"
#include "../backend/planned_memory.hpp"
#include "../backend/product.hpp"
#include "../backend/values.hpp"
#include "../error.hpp"
#include "../nn/model.hpp"

namespace vitrail::inline VITRAIL_TU {

// A linear layer [features] -> [classes], both run-time numbers, for inference on P's backend.
template <class P = cpu>
class RuntimeHead {
 public:
  using value = typename P::value;
  using Backend = typename P::backend;
  using Memory = typename Backend::memory;

  // Values are zero until they are assigned. Throws shape_error if there are no classes.
  RuntimeHead(std::size_t features, std::size_t classes)
      : features_(features), classes_(classes), weight_(features * classes), bias_(classes) {
    if (classes == 0) throw shape_error("RuntimeHead: expected at least one class, found 0");
  }
  std::size_t features() const { return features_; }
  std::size_t classes() const { return classes_; }
  // Replaces the values: fill(info, destination in the host's memory) for "weight", [classes, features], and then for
  // "bias", [classes].
  template <class Fill>
  void assign(const Fill& fill) {
    const auto assign_one = [&](const char* name, std::vector<std::size_t> shape, Buffer<value, Memory>& to) {
      const ParameterInfo info{name, std::move(shape), 0, to.size()};
      detail::fill_from_host<Memory>(to.data(), info.size, [&](value* host) { return fill(info, host), true; });
    };
    assign_one("weight", {classes_, features_}, weight_);
    assign_one("bias", {classes_}, bias_);
  }

  // x [count, features], its rows `stride` apart -> logits [count, classes], written or added; both in the backend's
  // memory. X: the value, or what samples lie as.
  template <class X>
  void operator()(const Backend& backend, const X* x, std::size_t stride, std::size_t count, value* logits,
                  bool add = false) const {
    Product<value, X> p;
    p.m = count, p.n = classes_, p.k = features_;
    p.a = x, p.a_row = static_cast<std::ptrdiff_t>(stride), p.a_column = 1;
    p.b = weight_.data(), p.b_row = 1, p.b_column = static_cast<std::ptrdiff_t>(features_);
    p.c = logits, p.c_row = static_cast<std::ptrdiff_t>(classes_);
    p.bias = bias_.data(), p.accumulate = add;
    backend.product(p);
  }

 private:
  std::size_t features_, classes_;
  Buffer<value, Memory> weight_, bias_;
};

// Backbone must have `policy`, `input` and `features`, and give [features] per sample, or [2, features] for two heads
// whose logits' mean counts (a distilled DeiT). Its weights are kept in the layout of the product kernel only
// (consuming_predictor). Neither copied nor moved; one thread at a time.
template <class Backbone>
class RuntimeClassifier {
 public:
  using policy = typename Backbone::policy;
  using input = typename Backbone::input;
  using value = typename policy::value;
  using Memory = typename policy::backend::memory;

  using Predict = Predictor<Model<Backbone>, detail::CallModel>;
  using Features = decltype(std::declval<Predict&>()(std::declval<const BatchView<input, const value>&>()));
  static constexpr std::size_t heads = Features::shape::size / Backbone::features;
  static_assert(heads * Backbone::features == Features::shape::size && (heads == 1 || heads == 2),
                "RuntimeClassifier: the backbone must give [features] or [2, features]");

  // fill(info, to) writes the backbone's parameters and then "head.weight" [classes, features], "head.bias" [classes]
  // and, for two heads, the same of "head_dist"; see Model.
  template <class Fill>
  RuntimeClassifier(std::size_t classes, const Fill& fill, backend options = {})
      : model_(fill, seed{}, options), predict_(model_, {}, &model_) {
    detail::check_planned_on(model_.backend(), "RuntimeClassifier",
                             {{"heads", heads * classes * (Backbone::features + 1) * sizeof(value)}});
    for (const char* head : {"head", "head_dist"}) {
      if (heads_.size() == heads) break;
      heads_.emplace_back(Backbone::features, classes).assign([&](ParameterInfo info, value* to) {
        info.path = std::string(head) + "." + info.path;
        fill(info, to);
        for (std::size_t i = 0; i < info.size; ++i) to[i] /= static_cast<value>(heads);  // the mean: halves are exact
      });
    }
  }
  RuntimeClassifier(const RuntimeClassifier&) = delete;
  RuntimeClassifier& operator=(const RuntimeClassifier&) = delete;

  // Of the backbone, without the head.
  static std::vector<ParameterInfo> parameters() { return Model<Backbone>::parameters(); }
  std::size_t classes() const { return heads_[0].classes(); }
  // Logits [count, classes] for the host, valid until the next call; images may be in its memory or the backend's. An
  // empty batch throws shape_error.
  std::span<const value> operator()(const BatchView<input, const value>& images) {
    predict_.stage(images);
    predict_.start();
    const auto features = predict_.results_in_place();
    const std::size_t size = images.count() * classes();
    if (logits_.size() < size) logits_ = Buffer<value, Memory>(size);
    for (std::size_t h = 0; h < heads; ++h) {
      heads_[h](model_.backend(), features.data() + h * Backbone::features, heads * Backbone::features, images.count(),
                logits_.data(), h > 0);
    }
    return {detail::on_host<Memory>(logits_.data(), size, room_), size};
  }
  template <StepBatchFor<policy> Q>
  std::span<const value> operator()(const Batch<input, Q>& images) {
    return (*this)(images.view());
  }

 private:
  Model<Backbone> model_;
  std::vector<RuntimeHead<policy>> heads_;
  Predict predict_;
  Buffer<value, Memory> logits_;
  std::vector<value> room_;  // a device's logits for the host
};

}  // namespace vitrail::inline VITRAIL_TU
