// consume.cpp - a predictor that takes a model's weights over gives the same bits from half the memory, and nothing
// else can read what is no longer there.
#include <fstream>
#include <vector>

#include "catch.hpp"
#include "vitrail/autodiff/predict.hpp"
#include "vitrail/nn/linear.hpp"
#include "vitrail/nn/model.hpp"
#include "vitrail/ops/cross_entropy.hpp"
#include "vitrail/vitrail.hpp"

namespace vt = vitrail;

namespace {

// The first weight is read by a product only, the second also as it lies, the third as it lies only.
template <class P>
struct Readers : vt::Module<Readers<P>> {
  static constexpr std::size_t D = 1024;
  using policy = P;
  using input = vt::Shape<D>;
  vt::Linear<D, D, P> product;
  vt::Linear<D, 8, P> both;
  vt::Param<vt::Shape<8, D>, P, vt::site::none, vt::initial::normal<std::ratio<1>>> table;

  static constexpr void visit(auto& self, auto&& f) {
    f("product", self.product);
    f("both", self.both);
    f("table", self.table);
  }
  constexpr auto forward(const auto& x) const {
    vt::Var h = product(x);
    vt::Var logits = both(h);
    vt::Var again = vt::einsum<"o i, i -> o">(both.weight, h), more = vt::einsum<"o i, i -> o">(table, h);
    return logits + again + more;
  }
};
using Model = vt::Model<Readers<vt::cpu>>;

std::size_t resident_bytes() {
  std::size_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * 4096;
}

}  // namespace

TEST_CASE("a consuming predictor gives the same bits, and the weight is there once") {
  Model model(vt::seed{1}), other(vt::seed{1});
  vt::Batch<vt::Shape<1024>> x(3);
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i % 17) - 8;
  auto usual = vt::predictor(other);
  const auto expected = usual(x).to_vector();
  const vt::Batch once = vt::predict(other, x);
  CHECK(once.count() == 3);
  CHECK(once.to_vector() == expected);

  const std::size_t before = resident_bytes(), weight = 1024 * 1024 * sizeof(float);
  auto predict = vt::consuming_predictor(model);
  if (before > 0) CHECK(resident_bytes() < before + weight / 2);
  CHECK(predict(x).to_vector() == expected);
  CHECK(predict(x).to_vector() == expected);
}

TEST_CASE("what was given away cannot be read, saved, changed or trained") {
  Model model(vt::seed{1});
  auto predict = vt::consuming_predictor(model);
  vt::Batch<vt::Shape<1024>> x(1);
  predict(x);
  auto second = vt::predictor(model);
  CHECK_THROWS_AS(second(x), vt::error);
  CHECK_THROWS_AS(model.each_parameter([](const auto&, const float*, bool) {}), vt::error);
  CHECK_THROWS_AS(model.assign([](const auto&, float*) {}), vt::error);
  CHECK_THROWS_AS(model.trainable(), vt::error);
  CHECK_THROWS_AS(vt::consuming_predictor(model), vt::error);
  CHECK_THROWS_AS(
      vt::training_step(model, [](const auto& net, const auto& images,
                                  const auto& labels) { return vt::Step{vt::cross_entropy(net(images), labels)}; }),
      vt::error);
}
