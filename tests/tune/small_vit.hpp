// small_vit.hpp - a small base, its data, and what the tests of tuning ask of models.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/train/adamw.hpp>
#include <vitrail/train/recipe_of.hpp>
#include <vitrail/tune/tune.hpp>

namespace {

namespace vt = vitrail;

inline constexpr vt::ViTConfig small_vit{
    .image = 12, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};
using Net = vt::ViT<small_vit, 3>;

template <class S>
vt::Batch<S> some_images(std::size_t count) {
  vt::Batch<S> images(count);
  const vt::RandomStream stream{11, 0, 0};
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<float>(stream, 0, i);
  return images;
}
inline vt::Labels some_labels(std::size_t count, std::size_t classes) {
  std::vector<int> labels;
  for (std::size_t i = 0; i < count; ++i) labels.push_back(static_cast<int>(i % classes));
  return vt::Labels(labels);
}
template <class Model, class S>
std::vector<float> logits_of(const Model& model, const vt::Batch<S>& images) {
  auto predict = vt::predictor(model);
  const auto logits = predict(images);
  return {logits.data(), logits.data() + logits.size()};
}
// The largest difference, relative to the largest value.
inline double difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return INFINITY;
  double most = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    scale = std::max(scale, std::abs(static_cast<double>(b[i])));
  }
  return most / scale;
}
using Bytes = std::string;
template <class B>
Bytes bytes_of(const B& values) {
  return Bytes(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(*values.data()));
}
// So many steps on one batch; look(step) after each.
template <class Model, class Images, class Look>
void train(Model& model, const Images& images, const vt::Labels& labels, int steps, const Look& look) {
  auto step = vt::training_step(model, [](const auto& net, const auto& x, const auto& y) {
    vt::Var logits = net(x);
    return vt::Step{vt::cross_entropy(logits, y), logits};
  });
  vt::AdamW optimiser(model, {.rate = 1e-2, .weight_decay = 0});
  for (int i = 0; i < steps; ++i) {
    step(images, labels);
    look(step);
    optimiser.update(step);
  }
}
template <class Model, class Images>
void train(Model& model, const Images& images, const vt::Labels& labels, int steps) {
  train(model, images, labels, steps, [](const auto&) {});
}

}  // namespace
