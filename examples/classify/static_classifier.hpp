// static_classifier.hpp - a model whose type is known here, as the program uses it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vitrail/io/load_classifier.hpp>
#include <vitrail/models/runtime_classifier.hpp>

#include "classifier.hpp"

template <class Backbone>
struct StaticClassifier final : Classifier {
  using input = typename Backbone::input;
  vt::RuntimeClassifier<Backbone> model;

  StaticClassifier(const Source& source, const vt::Preprocess& how)
      : model(vt::load_classifier<Backbone>(source.weights, {.keys = source.keys}, {.threads = source.threads})) {
    channels = input::dims[0], size = input::dims[1], classes = model.classes(), preprocess = how;
  }
  std::span<const float> logits(const float* images, std::size_t count) override {
    return model(vt::BatchView<input, const float>(images, count));
  }
};

// OfHf: what the same weights are a model of in Hugging Face's library, if its norms have another eps there.
template <class Backbone, class OfHf = Backbone>
bool add_model(const std::string& name, const vt::Preprocess& how = vt::preprocess_of<Backbone>) {
  known_models()[name] = [how](const Source& source) -> std::unique_ptr<Classifier> {
    if (std::string_view(source.keys.name) == vt::hf.name) return std::make_unique<StaticClassifier<OfHf>>(source, how);
    return std::make_unique<StaticClassifier<Backbone>>(source, how);
  };
  return true;
}
