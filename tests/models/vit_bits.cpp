// vit_bits.cpp - training a ViT gives the same bits for any number of threads, and for the planned and the retaining
// tape.
#include "catch.hpp"

#include <vitrail/autodiff/retained_gradients.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/train/adamw.hpp>

namespace vt = vitrail;

namespace {

constexpr vt::ViTConfig tiny{.image = 16,
                             .channels = 3,
                             .patch = 4,
                             .dim = 40,
                             .depth = 3,
                             .heads = 5,
                             .mlp = 72,
                             .dropout = 0.1,
                             .drop_path = 0.2};
constexpr vt::ViTConfig with_options = [] {
  vt::ViTConfig c = tiny;
  c.pool = vt::pooling::attention;
  c.qk_norm = true;
  c.init_values = 0.1;
  c.reg_tokens = 2;
  return c;
}();
using Net = vt::ViT<tiny, 7>;
using Model = vt::Model<Net>;

struct Loss {
  constexpr auto operator()(const auto& net, const auto& x, const auto& labels) const {
    vt::Var logits = net(x);
    return vt::Step{vt::cross_entropy(logits, labels), logits};
  }
};
vt::Batch<Net::input, vt::cpu> images(std::size_t count) {
  vt::Batch<Net::input, vt::cpu> batch(count);
  for (std::size_t i = 0; i < batch.size(); ++i) batch.data()[i] = vt::normal_at<float>({5, 0, 0}, 0, i);
  return batch;
}
vt::Labels labels(std::size_t count) {
  vt::Labels labels;
  labels.resize(count);
  for (std::size_t b = 0; b < count; ++b) labels.data()[b] = static_cast<int>(b % 7);
  return labels;
}

// Losses, logits and values after three steps with a batch of 37.
template <vt::ViTConfig C>
std::vector<float> trained(int threads) {
  vt::Model<vt::ViT<C, 7>> model(vt::seed{11}, vt::backend{.threads = threads});
  auto step = vt::training_step(model, Loss{});
  vt::AdamW optimiser(model);
  std::vector<float> bits;
  for (int i = 0; i < 3; ++i) {
    const auto [loss, logits] = step(images(37), labels(37));
    optimiser.update(step);
    bits.push_back(loss);
    const auto values = logits.to_vector();
    bits.insert(bits.end(), values.begin(), values.end());
  }
  const auto& values = model.trainable().values;
  bits.insert(bits.end(), values.data(), values.data() + values.size());
  return bits;
}

}  // namespace

TEST_CASE("three steps of AdamW, the same bits for 1, 2, 3, 4 and 8 threads") {
  const std::vector<float> expected = trained<tiny>(1);
  CHECK(expected[0] > 0);
  for (const int threads : {2, 3, 4, 8}) {
    INFO(threads << " threads");
    CHECK((trained<tiny>(threads) == expected));
  }
  CHECK((trained<with_options>(1) == trained<with_options>(3)));
}

TEST_CASE("a planned and poisoned ViT equals the retaining tape to the bit") {
  Model model(vt::seed{11});
  for (const std::size_t count : {1, 5}) {
    vt::Buffer<float> expected(model.trainable().size());
    const auto batch = images(count);
    const float loss = vt::retained_gradients(model, Loss{}, batch.view(), labels(count), expected.data());
    auto step = vt::training_step(model, Loss{});
    step.set_poison(true);
    CHECK(std::get<0>(step(batch, labels(count))) == loss);
    const auto& table = model.trainable().table;
    for (std::size_t k = 0; k < table.size(); ++k) {
      INFO(table[k].path);
      CHECK(step.reached(k));
      const float* found = step.gradients() + table[k].offset;
      CHECK(std::equal(found, found + table[k].size, expected.data() + table[k].offset));
    }
  }
}
