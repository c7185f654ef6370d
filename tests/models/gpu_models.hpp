// gpu_models.hpp - trains a model for some steps and gives all that came out, to compare policies.
#pragma once

#include "catch.hpp"

#include <vitrail/vitrail.hpp>

#include <cstddef>
#include <vector>

#include "emulated_gpu.hpp"

namespace test {

struct Training {
  bool graphs = true, poison = false;
  std::size_t steps = 5;
};
// Losses, the first step's gradients, and logits at the end. The batch changes its size once.
template <class Net>
std::vector<float> train(const Training& how = {}) {
  namespace vt = vitrail;
  using P = typename Net::policy;
  using Memory = typename P::backend::memory;
  vt::Model<Net> model(vt::seed{1});
  auto step = vt::training_step(model, [](auto& net, auto x, auto labels) {
    vt::Var logits = net(x);
    return vt::Step{vt::cross_entropy(logits, labels, {.label_smoothing = 0.1}), logits};
  });
  step.set_graphs(how.graphs);
  step.set_poison(how.poison);
  vt::AdamW optimiser(model, {.rate = 1e-2});
  std::vector<float> numbers;
  const auto append = [&](const std::vector<float>& more) { numbers.insert(numbers.end(), more.begin(), more.end()); };
  vt::Batch<typename Net::input, vt::cpu> images;
  for (std::size_t i = 0; i < how.steps; ++i) {
    const std::size_t count = i == 1 ? 3 : 4;
    images.resize(count);
    const auto site = static_cast<std::uint32_t>(i);
    for (std::size_t k = 0; k < images.size(); ++k) images.data()[k] = vt::normal_at<float>({5, 0, site}, 0, k);
    vt::Labels labels;
    labels.resize(count);
    for (std::size_t b = 0; b < count; ++b) labels.data()[b] = static_cast<int>((b + i) % 3);
    auto [loss, logits] = step(images, labels);
    numbers.push_back(loss);
    append(logits.to_vector());
    const auto& table = model.trainable().table;
    for (std::size_t k = 0; k < table.size() && i == 0; ++k) {
      append(vt::detail::vector_of<Memory>(step.gradients() + table[k].offset, table[k].size));
    }
    optimiser.update(step);
  }
  auto predict = vt::predictor(model);
  for (int i = 0; i < 5; ++i) append(predict(images).to_vector());
  return numbers;
}
inline void check_close(const std::vector<float>& found, const std::vector<float>& expected, double tolerance) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("number " << i);
    REQUIRE(found[i] == Approx(expected[i]).epsilon(tolerance).margin(tolerance));
  }
}
// A model of a family, made with a policy.
template <template <class> class Net>
void check_family() {
  const auto host = train<Net<vitrail::cpu>>();
  const auto graph = train<Net<emulated_gpu>>();
  check_close(graph, host, 2e-3);
  CHECK((train<Net<emulated_gpu>>({.graphs = false}) == graph));
  CHECK((train<Net<emulated_gpu>>({.poison = true}) == graph));
  {
    const CopiesAhead order;
    CHECK((train<Net<emulated_gpu>>() == graph));
  }
  const auto mixed = train<Net<emulated_gpu_bf16>>();
  check_close(mixed, host, 3e-2);
  CHECK((train<Net<emulated_gpu_bf16>>({.graphs = false, .poison = true}) == mixed));
  const DescendingThreads order;
  CHECK((train<Net<emulated_gpu>>() == graph));
  CHECK((train<Net<emulated_gpu_bf16>>() == mixed));
}

}  // namespace test
