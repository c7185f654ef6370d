// training.cpp - the optimiser against a plain loop, the schedule, the metrics, and a model that learns.
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "catch.hpp"
#include "vitrail/data/batches.hpp"
#include "vitrail/models/vit.hpp"
#include "vitrail/nn/memory_cost.hpp"
#include "vitrail/nn/model.hpp"
#include "vitrail/nn/policy_serial.hpp"
#include "vitrail/train/fit.hpp"

namespace vt = vitrail;

namespace {

// A linear layer on the four pixels of an image, normalised; `unused` is not reached by the loss.
template <class P>
struct Linear : vt::Module<Linear<P>> {
  using policy = P;
  using input = vt::Shape<1, 2, 2>;
  static constexpr std::size_t features = 8;
  vt::PatchEmbedding<1, 2, 8, P> first;
  vt::LayerNorm<8, P> norm;
  vt::Linear<2, 2, P> unused;
  static constexpr void visit(auto& self, auto&& f) {
    f("first", self.first), f("norm", self.norm), f("unused", self.unused);
  }
  constexpr auto forward(const auto& x) const { return norm(vt::first_token(first(x))); }
};

}  // namespace

TEST_CASE("AdamW equals the formula of Loshchilov and Hutter, and leaves alone what the loss does not reach") {
  using Net = vt::Classifier<Linear<vt::serial_double>, 3>;
  vt::Model<Net> model(vt::seed{3});
  auto step = vt::training_step(
      model, [](const auto& net, const auto& x, const auto& y) { return vt::Step{vt::cross_entropy(net(x), y)}; });
  const vt::AdamWOptions o{.rate = 0.01, .beta1 = 0.8, .beta2 = 0.9, .eps = 1e-6, .weight_decay = 0.1};
  vt::AdamW optimiser(model, o);
  vt::Batch<Net::input, vt::serial_double> images(2);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = std::sin(double(i) + 1);
  auto& store = model.trainable();
  std::vector<double> w(store.values.data(), store.values.data() + store.size()), m(w.size()), v(w.size());
  for (int t = 1; t <= 5; ++t) {
    step(images, vt::Labels{2, 0});
    for (std::size_t p = 0; p < store.table.size(); ++p) {
      const auto& info = store.table[p];
      CHECK(step.reached(p) == (info.path.find("unused") == std::string::npos));
      for (std::size_t i = info.offset; i < info.offset + info.size && step.reached(p); ++i) {
        const double g = step.gradients()[i];
        m[i] = o.beta1 * m[i] + (1 - o.beta1) * g;
        v[i] = o.beta2 * v[i] + (1 - o.beta2) * g * g;
        w[i] *= 1 - o.rate * (info.decays ? o.weight_decay : 0);
        w[i] -= o.rate * (m[i] / (1 - std::pow(o.beta1, t))) / (std::sqrt(v[i] / (1 - std::pow(o.beta2, t))) + o.eps);
      }
    }
    optimiser.update(step);
    for (std::size_t i = 0; i < w.size(); ++i) CHECK(store.values[i] == Approx(w[i]).epsilon(1e-12).margin(1e-15));
  }
}

TEST_CASE("the cosine schedule warms up, peaks and ends") {
  const vt::CosineSchedule s{.peak = 1, .last = 0.1, .warm_up = 10, .steps = 110};
  CHECK(s.at(0) == Approx(0.1));
  CHECK(s.at(9) == Approx(1));
  CHECK(s.at(10) == Approx(1));
  CHECK(s.at(60) == Approx(0.55));
  CHECK(s.at(110) == Approx(0.1));
  CHECK(s.at(100000) == Approx(0.1));
}

TEST_CASE("accuracy counts the best and the five best; ties and NaN do not help") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> z{1,   2, 3, 4, 5, 6,  //
                             6,   6, 1, 1, 1, 1,  // a tie: the smaller number wins
                             nan, 1, 2, 3, 4, 5,  //
                             0,   1, 2, 3, 4, 5};
  vt::Accuracy a;
  a.add(vt::BatchView<vt::Shape<6>, const float>(z.data(), 4), vt::Labels{5, 1, 0, 0});
  CHECK(a.samples == 4);
  CHECK(a.top1 == 1);
  CHECK(a.top5 == 2);
  CHECK(a.top1_share() == 0.25);
  CHECK_THROWS_AS(a.add(vt::BatchView<vt::Shape<6>, const float>(z.data(), 4), vt::Labels{1}), vt::shape_error);
}

namespace {
// Images whose class is the quarter that is bright.
vt::ImageSet quarters(std::size_t count) {
  vt::ImageSet set{1, 2, 2, 4, {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t p = 0; p < 4; ++p)
      set.pixels.push_back(p == i % 4 ? std::uint8_t(200 + i % 50) : std::uint8_t(i * 7 % 60));
    set.labels.push_back(int(i % 4));
  }
  return set;
}
}  // namespace

TEST_CASE("batches cover every image once, in an order that follows from seed and epoch") {
  const vt::ImageSet set = quarters(37);
  vt::Batches<vt::Shape<1, 2, 2>, vt::serial> batches(set, {{0.0}, {1.0}}, 8);
  CHECK(batches.count() == 5);
  vt::Batch<vt::Shape<1, 2, 2>, vt::serial> images;
  vt::Labels labels;
  auto epoch = [&](std::uint64_t seed, std::uint32_t number) {
    batches.shuffle(seed, number);
    std::vector<float> all;
    for (std::size_t i = 0; i < batches.count(); ++i) {
      batches.load(i, images, labels);
      CHECK(images.count() == (i < 4 ? 8u : 5u));
      const auto v = images.to_vector();
      all.insert(all.end(), v.begin(), v.end());
    }
    return all;
  };
  const auto first = epoch(1, 0);
  CHECK(first == epoch(1, 0));
  CHECK(first != epoch(1, 1));
  CHECK(first != epoch(2, 0));
  auto sum = [](const std::vector<float>& v) { return std::accumulate(v.begin(), v.end(), 0.0); };
  CHECK(sum(first) == Approx(sum(epoch(1, 1))));
  double expected = 0;
  for (const auto p : set.pixels) expected += p / 255.0;
  CHECK(sum(first) == Approx(expected));
}

TEST_CASE("normalisation gives mean 0 and deviation 1; another image size is refused") {
  const vt::ImageSet set = quarters(40);
  vt::Batches<vt::Shape<1, 2, 2>, vt::serial_double> batches(set, vt::normalisation_of(set), 40);
  vt::Batch<vt::Shape<1, 2, 2>, vt::serial_double> images;
  vt::Labels labels;
  batches.load(0, images, labels);
  double sum = 0, squares = 0;
  for (const double x : images.to_vector()) sum += x, squares += x * x;
  CHECK(std::abs(sum / 160) < 1e-12);
  CHECK(squares / 160 == Approx(1));
  using Wrong = vt::Batches<vt::Shape<3, 2, 2>, vt::serial>;
  CHECK_THROWS_WITH(Wrong(set, vt::normalisation_of(set), 4),
                    "Batches: the images are [1, 2, 2], the model takes [3, 2, 2]");
}

TEST_CASE("mirroring and shifting move pixels and bring in black, the same way for the same epoch") {
  vt::ImageSet set{1, 1, 4, 1, {10, 20, 30, 40}, {0}};
  vt::Batches<vt::Shape<1, 1, 4>, vt::serial> batches(set, {{0.0}, {1 / 255.0}}, 1, {.shift = 1, .mirror = true});
  vt::Batch<vt::Shape<1, 1, 4>, vt::serial> image;
  vt::Labels label;
  std::set<std::vector<float>> seen;
  for (std::uint32_t epoch = 0; epoch < 200; ++epoch) {
    batches.shuffle(5, epoch);
    batches.load(0, image, label);
    std::vector<float> pixels;
    for (const float x : image.to_vector()) pixels.push_back(std::round(x));
    seen.insert(pixels);
  }
  // three shifts sideways, mirrored or not, and the row moved out
  CHECK(seen.size() == 7);
  CHECK(seen.count({10, 20, 30, 40}) == 1);
  CHECK(seen.count({40, 30, 20, 10}) == 1);
  CHECK(seen.count({0, 10, 20, 30}) == 1);
  CHECK(seen.count({0, 0, 0, 0}) == 1);
}

TEST_CASE("fit learns what a linear layer can learn, and tells of its progress") {
  const vt::ImageSet set = quarters(256);
  using Net = vt::Classifier<Linear<vt::serial>, 4>;
  vt::Model<Net> model(vt::seed{1});
  vt::Batches<Net::input, vt::serial> batches(set, vt::normalisation_of(set), 16);
  std::size_t batch_calls = 0, epoch_calls = 0;
  double first = 0, last = 0;
  vt::Recipe recipe{.epochs = 6, .rate = 0.05};
  recipe.on_batch = [&](const vt::Progress&) { ++batch_calls; };
  recipe.on_epoch = [&](const vt::Progress& p) {
    (p.epoch == 0 ? first : last) = p.loss;
    ++epoch_calls;
    CHECK(p.training.samples == 256);
    CHECK(p.arena_bytes == vt::arena_bytes<Net>(16));
  };
  vt::fit(model, batches, recipe);
  CHECK(batch_calls == 6 * 16);
  CHECK(epoch_calls == 6);
  CHECK(last < first / 4);
  auto predict = vt::predictor(model);
  CHECK(vt::evaluate(predict, batches).top1_share() == 1.0);
}
