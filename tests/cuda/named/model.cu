// model.cu - compiles a named model, VITRAIL_NAMED_MODEL, for the GPU: a step of training, AdamW's update, inference.
#include <vitrail/autodiff/predict.hpp>
#include <vitrail/autodiff/step.hpp>
#include <vitrail/models/resnet.hpp>
#include <vitrail/models/swin.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/policy_gpu.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/train/adamw.hpp>

#include <tuple>
#include <vector>

namespace {

using Net = vitrail::VITRAIL_NAMED_MODEL<vitrail::gpu>;

// The cross-entropy of the logits; of two heads, the sum of theirs.
struct Loss {
  constexpr auto operator()(const auto& net, const auto& images, const auto& labels) const {
    return of(net(images), labels);
  }

 private:
  template <class V>
  static constexpr auto of(const V& logits, const auto& labels) {
    vitrail::Var loss = vitrail::cross_entropy(logits, labels);
    return vitrail::Step{loss, logits};
  }
  template <class V>
  static constexpr auto of(const std::tuple<V, V>& logits, const auto& labels) {
    const auto& [right, taught] = logits;
    vitrail::Var loss = vitrail::cross_entropy(right, labels) + vitrail::cross_entropy(taught, labels);
    return vitrail::Step{loss, right, taught};
  }
};

}  // namespace

std::vector<float> trained_logits(const vitrail::Batch<Net::input, vitrail::cpu>& images,
                                  const vitrail::Labels& labels) {
  vitrail::Model<Net> model(vitrail::seed{1});
  auto step = vitrail::training_step(model, Loss{});
  vitrail::AdamW optimiser(model);
  step(images, labels);
  optimiser.update(step);
  auto predict = vitrail::predictor(model);
  return predict(images).to_vector();
}
