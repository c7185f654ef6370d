// parity.hpp - a model with another library's weights gives that library's logits, loss and gradients.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <type_traits>
#include <vector>

#include "catch.hpp"
#include "relative_error.hpp"
#include "vit_options.hpp"
#include "vitrail/io/checkpoint.hpp"
#include "vitrail/nn/policy_serial.hpp"
#include "vitrail/vitrail.hpp"

namespace parity {

namespace vt = vitrail;

// The gradient of the bias of keys is zero, as softmax does not see it.
inline constexpr double least_norm = 0.01;

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
  CHECK(relative_error(predict(images).data(), expected.read<double>("logits"), least_norm) < tolerance);

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
    const auto gradient = vt::detail::vector_of<typename P::backend::memory>(step.gradients() + info.offset, info.size);
    CHECK(relative_error(gradient.data(), expected.read<double>("gradient " + info.path), least_norm) < tolerance);
  }
}

}  // namespace parity
