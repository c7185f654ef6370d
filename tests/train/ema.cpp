// ema.cpp - the moving average against its formula, and that a model gets its own values back to the bit.
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "autodiff/net.hpp"
#include "catch.hpp"
#include "io/messages.hpp"
#include "vitrail/nn/policy_serial.hpp"
#include "vitrail/train/ema.hpp"

namespace vt = vitrail;

namespace {

template <class Buffer>
auto values_of(const Buffer& b) {
  return std::vector(b.data(), b.data() + b.size());
}
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}
// Every value becomes another one; those of even places stand still.
template <class Model>
void change(Model& model, int time) {
  auto& values = model.trainable().values;
  for (std::size_t i = 1; i < values.size(); i += 2) {
    values[i] = static_cast<typename Model::value>(std::sin(static_cast<double>(i) + time));
  }
  model.values_changed();
}

}  // namespace

TEST_CASE("the average starts as the values and then follows the formula") {
  vt::Model<Net<vt::serial_double>> model(vt::seed{1});
  vt::Ema average(model, 0.9);
  auto& values = model.trainable().values;
  std::vector<double> expected = values_of(values);
  CHECK(same_bits(values_of(average.values()), expected));
  for (int time = 0; time < 5; ++time) {
    change(model, time);
    average.update(model);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expected[i] = 0.9 * expected[i] + (1 - 0.9) * values[i];
      CHECK(average.values()[i] == Approx(expected[i]).epsilon(1e-13).margin(1e-15));
    }
  }
}

TEST_CASE("what stands still is its own average to the bit") {
  vt::Model<Net<vt::cpu>> model(vt::seed{1}, vt::backend{.threads = 2});
  vt::Ema average(model, 0.999);
  for (int time = 0; time < 100; ++time) {
    change(model, time);
    average.update(model);
  }
  const auto values = values_of(model.trainable().values);
  std::size_t moved = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % 2 == 0) CHECK(average.values()[i] == values[i]);
    moved += average.values()[i] != values[i];
  }
  CHECK(moved > 30);
}

TEST_CASE("in use, the model predicts with the averaged values; afterwards all is as before, to the bit") {
  vt::Model<Net<vt::cpu>> model(vt::seed{1}, vt::backend{.threads = 2}),
      averaged(vt::seed{2}, vt::backend{.threads = 1});
  vt::Ema average(model, 0.5);
  change(model, 1);
  average.update(model);
  averaged.assign([&](const auto& info, float* to) {
    for (const auto& own : model.trainable().table) {
      if (own.path == info.path) std::memcpy(to, average.values().data() + own.offset, own.size * sizeof *to);
    }
  });
  const auto batch = net_batch<vt::cpu>(5);
  auto predict = vt::predictor(model), expect = vt::predictor(averaged);
  const auto own = predict(batch).to_vector();
  const auto values = values_of(model.trainable().values), kept = values_of(average.values());
  {
    const auto in_use = average.use(model);
    CHECK(average.in_use());
    CHECK(same_bits(predict(batch).to_vector(), expect(batch).to_vector()));
    CHECK(message_of([&] { average.update(model); }) == "Ema: the model has the averaged values at the moment");
    CHECK(message_of([&] { (void)average.use(model); }) == "Ema: the model has the averaged values at the moment");
  }
  CHECK_FALSE(average.in_use());
  CHECK(same_bits(values_of(model.trainable().values), values));
  CHECK(same_bits(values_of(average.values()), kept));
  CHECK(same_bits(predict(batch).to_vector(), own));
  CHECK_FALSE(same_bits(expect(batch).to_vector(), own));
}

TEST_CASE("bits that are no ordinary numbers survive the exchange") {
  vt::Model<Net<vt::cpu>> model(vt::seed{1});
  auto& values = model.trainable().values;
  const float odd[] = {-0.0f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::signaling_NaN(),
                       std::numeric_limits<float>::denorm_min(), -std::numeric_limits<float>::infinity()};
  for (std::size_t i = 0; i < values.size(); ++i) std::memcpy(values.data() + i, odd + i % 5, sizeof(float));
  const auto before = values_of(values);
  vt::Ema average(model, 0.5);
  change(model, 1);
  { const auto in_use = average.use(model); }
  CHECK(same_bits(values_of(average.values()), before));
}

TEST_CASE("a decay outside (0, 1) and another model are refused") {
  vt::Model<Net<vt::serial>> model(vt::seed{1}), other(vt::seed{1});
  for (const double decay : {0.0, 1.0, -0.5, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THAT(message_of([&] { vt::Ema(model, decay); }), contains("Ema: expected a decay between 0 and 1, found "));
  }
  vt::Ema average(model, 0.5);
  CHECK(message_of([&] { average.update(other); }) == "Ema: the average is of another model");
  CHECK(message_of([&] { (void)average.use(other); }) == "Ema: the average is of another model");
}
