// reshape.cpp - a reshape is the same value under another shape: no operation, no copy, one gradient; and what an
// embedding refuses.
#include "catch.hpp"

#include <algorithm>
#include <memory>
#include <ratio>
#include <string>
#include <vector>

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/autodiff/retained_gradients.hpp>
#include <vitrail/expr/expression.hpp>
#include <vitrail/nn/initial.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/param.hpp>
#include <vitrail/nn/policy.hpp>
#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/ops/cross_entropy.hpp>
#include <vitrail/ops/embedding.hpp>
#include <vitrail/ops/linear.hpp>
#include <vitrail/ops/permute.hpp>
#include <vitrail/ops/rearrange.hpp>

namespace vt = vitrail;

namespace {

// One weight [4, 6] under two shapes: what the kernel has packed for it is right for one of them only.
template <class P>
struct Net : vt::Module<Net<P>> {
  using policy = P;
  using input = vt::Shape<6>;
  vt::Param<vt::Shape<4, 6>, P, vt::site::none, vt::initial::normal<std::ratio<1, 2>>> weight;

  static constexpr void visit(auto& self, auto&& f) { f("weight", self.weight); }
  constexpr auto forward(const auto& x) const {
    vt::Var h = vt::linear(x, weight);                                       // [4]
    vt::Var wide = vt::linear(h, vt::reshape<vt::Shape<6, 4>>(weight)) + x;  // [6]
    return vt::linear(wide, weight);
  }
};
struct Loss {
  constexpr auto operator()(const auto& net, const auto& x, const auto& labels) const {
    vt::Var logits = net(x);
    return vt::Step{vt::cross_entropy(logits, labels), logits};
  }
};
template <class P>
vt::Batch<vt::Shape<6>, P> batch(std::size_t count) {
  vt::Batch<vt::Shape<6>, P> x(count);
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i % 11) - 5;
  return x;
}

template <class P>
void check_weight_under_another_shape() {
  constexpr std::size_t count = 5;
  vt::Model<Net<P>> model(vt::seed{3});
  const auto x = batch<P>(count);
  const vt::Labels labels{0, 3, 1, 2, 3};
  auto step = vt::training_step(model, Loss{});
  const auto [loss, logits] = step(x, labels);
  const std::vector<float> trained = logits.to_vector();
  std::vector<float> expected(model.trainable().size());
  CHECK(vt::retained_gradients(model, Loss{}, x.view(), labels, expected.data()) == loss);
  CHECK(std::equal(expected.begin(), expected.end(), step.gradients()));
  auto predict = vt::predictor(model);
  const std::vector<float> predicted = predict(x).to_vector();
  // Against loops, with the weight's values in row-major order.
  const float* w = model.trainable().values.data();
  for (std::size_t s = 0; s < count; ++s) {
    double h[4] = {}, wide[6] = {}, out[4] = {};
    for (std::size_t i = 0; i < 24; ++i) h[i / 6] += double(w[i]) * double(x.data()[s * 6 + i % 6]);
    for (std::size_t i = 0; i < 24; ++i) wide[i / 4] += double(w[i]) * h[i % 4];
    for (std::size_t i = 0; i < 24; ++i) out[i / 6] += double(w[i]) * (wide[i % 6] + double(x.data()[s * 6 + i % 6]));
    for (std::size_t k = 0; k < 4; ++k) {
      CHECK(double(trained[s * 4 + k]) == Approx(out[k]).epsilon(1e-4).margin(1e-5));
      CHECK(double(predicted[s * 4 + k]) == Approx(out[k]).epsilon(1e-4).margin(1e-5));
    }
  }
}

}  // namespace

TEST_CASE("a reshape is no operation, whatever it is written as") {
  const auto trace = std::make_unique<vt::Trace>();
  vt::Meta<vt::serial, true> meta{trace.get()};
  auto x = meta.input<vt::Shape<1, 6, 4>, true>();
  auto flat = vt::reshape<vt::Shape<24>>(x);
  auto grouped = vt::rearrange<"1 (h w) c -> h (w c)", vt::with{.h = 2}>(x);
  auto row = vt::permute<1, 0, 2>(x);
  auto longer = vt::repeat<"a b c -> a b c r", vt::with{.r = 1}>(x);
  CHECK(trace->operations.empty());
  for (const int id : {flat.id, grouped.id, row.id, longer.id}) CHECK(id == x.id);
  static_assert(std::is_same_v<decltype(grouped)::shape, vt::Shape<2, 12>>);
  static_assert(std::is_same_v<decltype(row)::shape, vt::Shape<6, 1, 4>>);
  auto moved = vt::transpose(x);
  CHECK(trace->operations.size() == 1);
  CHECK(moved.id != x.id);
}

TEST_CASE("a parameter under another shape is the same parameter") {
  const float value = 0;
  const vt::Parameter<vt::Shape<4, 6>, float, true, true, void> trainable{&value, 7};
  const vt::Parameter<vt::Shape<4, 6>, float, false, false, void> frozen{&value};
  const auto a = vt::reshape<vt::Shape<3, 8>>(trainable);
  const auto b = vt::rearrange<"a (b c) -> (a b) c", vt::with{.b = 2}>(frozen);
  static_assert(std::is_same_v<decltype(a)::shape, vt::Shape<3, 8>> && decltype(a)::trainable);
  static_assert(std::is_same_v<decltype(b)::shape, vt::Shape<8, 3>> && !decltype(b)::trainable);
  CHECK(a.data == &value);
  CHECK(a.slot == 7);
  CHECK(b.data == &value);
}

TEST_CASE("a weight under another shape: gradients add, and its packed layout is not taken for another") {
  check_weight_under_another_shape<vt::serial>();
  check_weight_under_another_shape<vt::cpu>();
}

TEST_CASE("an embedding names the sample and the index that the table does not have") {
  const vt::Serial backend;
  vt::Tape<vt::serial, false> tape(backend);
  tape.begin(3);
  const std::vector<float> values(5 * 2);
  auto table = tape.input<vt::Shape<5, 2>, false>(values.data());
  for (const int wrong : {5, -1}) {
    const int indices[] = {0, 4, wrong};
    CHECK_THROWS_WITH(vt::embedding(tape.labels(indices), table),
                      "embedding: expected an index in [0, 5), found " + std::to_string(wrong) + " for sample 2");
    CHECK_THROWS_AS(vt::embedding(tape.labels(indices), table), vt::shape_error);
  }
}
