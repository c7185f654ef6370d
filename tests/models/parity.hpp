// parity.hpp - a model with another library's weights gives that library's logits, loss and gradients.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

#include "catch.hpp"
#include "vitrail/io/checkpoint.hpp"
#include "vitrail/nn/policy_serial.hpp"
#include "vitrail/vitrail.hpp"

namespace parity {

namespace vt = vitrail;

// |found - expected| / |expected|, in the Euclidean norm. A norm below 0.01 is taken as that: the gradient of the bias
// of keys is zero, as softmax does not see it.
template <class T>
double relative_error(const T* found, const std::vector<double>& expected) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference += (double(found[i]) - expected[i]) * (double(found[i]) - expected[i]);
    norm += expected[i] * expected[i];
  }
  return std::sqrt(difference / std::max(norm, 1e-4));
}

inline std::string fixture(const std::string& name) {
  return std::string(VITRAIL_TESTS) + "/models/fixtures/" + name + ".safetensors";
}
// Of the model Net with the fixtures of that name.
template <class Net>
void compare(const std::string& name, double tolerance) {
  using P = typename Net::policy;
  using T = typename P::value;
  vt::Model<Net> model;
  vt::load_checkpoint(model, fixture(name));
  const auto expected = vt::Safetensors::open(fixture(name + "_expected"));
  const vt::Batch<typename Net::input, P> images(std::span<const T>(expected.read<T>("images")));
  const vt::Labels labels(std::span<const int>(expected.read<int>("labels")));

  auto predict = vt::predictor(model);
  CHECK(relative_error(predict(images).data(), expected.read<double>("logits")) < tolerance);

  auto step = vt::training_step(model, [](const auto& net, const auto& x, const auto& y) {
    const auto out = net(x);
    if constexpr (vt::is_var<std::remove_cvref_t<decltype(out)>>) {
      return vt::Step{vt::cross_entropy(out, y, {.label_smoothing = 0.1})};
    } else {
      const auto& [logits, distilled] = out;
      vt::Var loss = vt::cross_entropy(logits, y, {.label_smoothing = 0.1}) +
                     vt::cross_entropy(distilled, y, {.label_smoothing = 0.1});
      return vt::Step{loss};
    }
  });
  const auto [loss] = step(images, labels);
  CHECK(std::abs(double(loss) / expected.read<double>("loss")[0] - 1) < tolerance);
  for (const vt::ParameterInfo& info : model.trainable().table) {
    INFO(name << " " << info.path);
    CHECK(relative_error(step.gradients() + info.offset, expected.read<double>("gradient " + info.path)) < tolerance);
  }
}

}  // namespace parity
