// last_block.cpp - the last block computes what is pooled, and nothing else changes: logits to the bit, gradients
// within rounding, with dropout, recomputation and frozen blocks too.
#include "catch.hpp"

#include <cmath>
#include <vector>

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/accepts.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/ops/cross_entropy.hpp>

#include "models/vit_options.hpp"

namespace vt = vitrail;
using options::whole;

namespace {

constexpr vt::ViTConfig token{.image = 16, .channels = 3, .patch = 4, .dim = 40, .depth = 3, .heads = 5, .mlp = 72};
constexpr vt::ViTConfig recomputing = [] {
  vt::ViTConfig c = token;
  c.recompute = true;
  return c;
}();
constexpr vt::ViTConfig dropping = [] {
  vt::ViTConfig c = token;
  c.drop_path = 0.5;
  c.dropout = 0.2;
  c.distilled = true;
  return c;
}();

struct Outcome {
  std::vector<float> logits, gradients;
  std::size_t arena;
};
template <vt::ViTConfig C, class P = vt::cpu>
Outcome run(std::size_t count) {
  using Net = vt::ViT<C, 7, P>;
  vt::Model<Net> model(vt::seed{11});
  vt::Batch<typename Net::input, P> images(count);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<float>({5, 0, 0}, 0, i);
  vt::Labels labels;
  labels.resize(count);
  for (std::size_t b = 0; b < count; ++b) labels.data()[b] = static_cast<int>(b % 7);
  auto step = vt::training_step(model, options::Loss{});
  step.set_poison(true);
  step(images, labels);
  auto predict = vt::predictor(model);
  Outcome outcome{predict(images).to_vector(), {}, step.arena_bytes()};
  const auto& table = model.trainable().table;
  for (std::size_t k = 0; k < table.size(); ++k) {
    if (!step.reached(k)) continue;
    const float* gradient = step.gradients() + table[k].offset;
    outcome.gradients.insert(outcome.gradients.end(), gradient, gradient + table[k].size);
  }
  return outcome;
}
double distance(const std::vector<float>& a, const std::vector<float>& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += double(a[i] - b[i]) * double(a[i] - b[i]);
    norm += double(b[i]) * double(b[i]);
  }
  REQUIRE(norm > 0);
  return std::sqrt(difference / norm);
}
template <vt::ViTConfig C, class P = vt::cpu>
void check() {
  for (const std::size_t count : {std::size_t(1), std::size_t(5)}) {
    const Outcome part = run<C, P>(count), all = run<whole(C), P>(count);
    CHECK((part.logits == all.logits));
    CHECK(distance(part.gradients, all.gradients) < 1e-6);
    CHECK(part.arena < all.arena);
  }
}
template <vt::ViTConfig C, class P = vt::cpu>
using LastOf = std::tuple_element_t<C.depth - 1, decltype(vt::ViTBackbone<C, P>{}.blocks.blocks)>;
template <vt::ViTConfig C, class P = vt::cpu>
using FirstOf = std::tuple_element_t<0, decltype(vt::ViTBackbone<C, P>{}.blocks.blocks)>;
static_assert(!std::is_same_v<FirstOf<token>, LastOf<token>>);
static_assert(std::is_same_v<FirstOf<whole(token)>, LastOf<whole(token)>>);
static_assert(std::is_same_v<FirstOf<options::pre_norm>, LastOf<options::pre_norm>>);  // a mean reads all tokens
static_assert(std::is_same_v<FirstOf<whole(token)>, vt::Block<40, 5, 72>>);
static_assert(sizeof(vt::Block<40, 5, 72>) == sizeof(LastOf<token>));
static_assert(std::is_same_v<vt::output_shape<LastOf<token>, vt::Shape<17, 40>>, vt::Shape<1, 40>>);
static_assert(std::is_same_v<vt::output_shape<LastOf<dropping>, vt::Shape<18, 40>>, vt::Shape<2, 40>>);

}  // namespace

TEST_CASE("the class token alone: the same logits to the bit, the same gradients") { check<token>(); }
TEST_CASE("the class token alone, recomputed, in the last block that trains") {
  check<recomputing, vt::with_tuning<vt::cpu, vt::train_last<1>>>();
}
TEST_CASE("with drop path and dropout the last block trains, and evaluates as the whole one") {
  for (const std::size_t count : {std::size_t(1), std::size_t(5)}) {
    const Outcome part = run<dropping>(count), all = run<whole(dropping)>(count);
    CHECK((part.logits == all.logits));
    CHECK(part.gradients.size() == all.gradients.size());
    for (const float g : part.gradients) REQUIRE(std::isfinite(g));
  }
}
