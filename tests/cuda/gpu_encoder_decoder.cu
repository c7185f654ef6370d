// gpu_encoder_decoder.cu - from an image to a sequence on vt::gpu: its training step compiles and links for the device.
// test: separate, timeout 300
#include "cuda/gpu_training.hpp"
#include "models/small_reader.hpp"

#include <vitrail/nn/policy_gpu.hpp>

namespace {
struct TrainReader {
  template <class P>
  std::vector<float> operator()(bool graphs) const {
    using Net = vitrail::EncoderDecoder<test::small_reader, P>;
    vitrail::Model<Net> model(vitrail::seed{1}, vitrail::backend{.threads = 2});
    auto step = vitrail::training_step(model, SequenceLoss{});
    step.set_graphs(graphs);
    vitrail::AdamW optimiser(model, {.rate = 1e-2});
    vitrail::Batch<typename Net::input, vitrail::cpu> images(2);
    for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vitrail::normal_at<float>({5, 0, 1}, 0, i);
    std::vector<float> losses;
    for (int i = 0; i < 5; ++i) {
      const auto [loss] = step(images, vitrail::Labels{0, 1, 2, 3, 4, 0});
      optimiser.update(step);
      losses.push_back(loss);
    }
    return losses;
  }

 private:
  struct SequenceLoss {
    constexpr auto operator()(const auto& net, const auto& x, const auto& labels) const {
      return vitrail::Step{vitrail::cross_entropy(net(x, labels), labels)};
    }
  };
};
}  // namespace

TEST_CASE("an encoder-decoder trains on the GPU as on the host") { test::check_on_gpu(TrainReader{}); }
