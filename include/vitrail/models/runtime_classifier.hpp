// runtime_classifier.hpp - a backbone of static shapes with a head whose number of classes is known when the program
// runs: for inference with a checkpoint that says how many there are.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "../autodiff/predict.hpp"
#include "../backend/product.hpp"
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

  // Values are zero until they are written to weight(), [classes, features], and bias(), [classes]. Throws shape_error
  // if there are no classes.
  RuntimeHead(std::size_t features, std::size_t classes)
      : features_(features), classes_(classes), weight_(features * classes), bias_(classes) {
    if (classes == 0) throw shape_error("RuntimeHead: expected at least one class, found 0");
  }
  std::size_t features() const { return features_; }
  std::size_t classes() const { return classes_; }
  std::span<value> weight() { return {weight_.data(), weight_.size()}; }
  std::span<value> bias() { return {bias_.data(), bias_.size()}; }

  // x [count, features] -> logits [count, classes], both in the backend's memory.
  void operator()(const Backend& backend, const value* x, std::size_t count, value* logits) const {
    Product<value> p;
    p.m = count, p.n = classes_, p.k = features_;
    p.a = x, p.a_row = static_cast<std::ptrdiff_t>(features_), p.a_column = 1;
    p.b = weight_.data(), p.b_row = 1, p.b_column = static_cast<std::ptrdiff_t>(features_);
    p.c = logits, p.c_row = static_cast<std::ptrdiff_t>(classes_);
    p.bias = bias_.data();
    backend.product(p);
  }

 private:
  std::size_t features_, classes_;
  Buffer<value, Memory> weight_, bias_;
};

// Backbone must have `policy`, `input` and `features`, and give [features] per sample, as for Classifier. Its weights
// are kept in the layout of the product kernel only (consuming_predictor). Neither copied nor moved; one thread at a
// time.
template <class Backbone>
class RuntimeClassifier {
 public:
  using policy = typename Backbone::policy;
  using input = typename Backbone::input;
  using value = typename policy::value;
  using Memory = typename policy::backend::memory;

  // fill(info, to) writes the backbone's parameters and then "head.weight" [classes, features] and "head.bias"
  // [classes]; see Model.
  template <class Fill>
  RuntimeClassifier(std::size_t classes, const Fill& fill, backend options = {})
      : model_(fill, seed{}, options), head_(Backbone::features, classes), predict_(model_, {}, &model_) {
    fill(ParameterInfo{"head.weight", {classes, Backbone::features}, 0, head_.weight().size()}, head_.weight().data());
    fill(ParameterInfo{"head.bias", {classes}, 0, classes}, head_.bias().data());
  }
  RuntimeClassifier(const RuntimeClassifier&) = delete;
  RuntimeClassifier& operator=(const RuntimeClassifier&) = delete;

  // Of the backbone, without the head.
  static std::vector<ParameterInfo> parameters() { return Model<Backbone>::parameters(); }
  std::size_t classes() const { return head_.classes(); }
  // Logits [count, classes], valid until the next call. An empty batch throws shape_error.
  std::span<const value> operator()(const BatchView<input, const value>& images) {
    const auto features = predict_(images);
    const std::size_t size = images.count() * classes();
    if (logits_.size() < size) logits_ = Buffer<value, Memory>(size);
    head_(model_.backend(), features.data(), images.count(), logits_.data());
    return {logits_.data(), size};
  }
  template <SameMemoryAs<policy> Q>
  std::span<const value> operator()(const Batch<input, Q>& images) {
    return (*this)(images.view());
  }

 private:
  Model<Backbone> model_;
  RuntimeHead<policy> head_;
  Predictor<Model<Backbone>, detail::CallModel> predict_;
  Buffer<value, Memory> logits_;
};

}  // namespace vitrail::inline VITRAIL_TU
