// eager.cpp - expressions and operations on Tensors and Batches themselves, outside of any step.
#include "catch.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include <vitrail/autodiff/predict.hpp>
#include <vitrail/models/vit.hpp>
#include <vitrail/nn/model.hpp>
#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/nn/to.hpp>
#include <vitrail/ops/softmax.hpp>

#include "io/messages.hpp"

namespace vt = vitrail;

namespace {

template <class P = vt::cpu>
using Matrix = vt::Tensor<vt::Shape<2, 3>, P>;

// Nothing that the expression needs dies with the function.
auto made_elsewhere() {
  Matrix<> local{1, 2, 3, 4, 5, 6};
  return local * 2.0 + local;
}

struct Named : vt::Module<Named> {
  using policy = vt::cpu;
  vt::Linear<3, 4, vt::cpu> layer;
  static constexpr void visit(auto& self, auto&& f) { f("layer", self.layer); }
  constexpr auto forward(const auto& x) const { return layer(x); }
};

}  // namespace

TEST_CASE("tensors are added, scaled and broadcast") {
  const Matrix<> a{1, 2, 3, 4, 5, 6};
  const vt::Tensor<vt::Shape<2, 1>> column{10, 20};
  const vt::Tensor<vt::Shape<3>> row{1, 0, 1};
  const Matrix<> y = a + column * row;
  CHECK(y.to_vector() == std::vector<float>{11, 2, 13, 24, 5, 26});
  const vt::Tensor deduced = vt::where(a > 3.0, a, 0.5);
  static_assert(std::is_same_v<decltype(deduced), const Matrix<>>);
  CHECK(deduced.to_vector() == std::vector<float>{0.5, 0.5, 0.5, 4, 5, 6});
  CHECK(a.to_vector() == std::vector<float>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("an expression outlives the tensors that it was made of") {
  const Matrix<> y = made_elsewhere();
  CHECK(y.to_vector() == std::vector<float>{3, 6, 9, 12, 15, 18});
}

TEST_CASE("a Var of tensors is used more than once, and a tensor made of it has memory of its own") {
  const Matrix<> a{1, 2, 3, 4, 5, 6};
  vt::Var h = a + 1.0;
  Matrix<> first = h * h;
  Matrix<> second = h;
  second.at(0, 0) = 100;
  const Matrix<> third = h - 1.0;
  CHECK(first.to_vector() == std::vector<float>{4, 9, 16, 25, 36, 49});
  CHECK(third.to_vector() == a.to_vector());
}

TEST_CASE("a tensor passed through an operation that keeps it is copied") {
  Matrix<> a{1, 2, 3, 4, 5, 6};
  const Matrix<> same = vt::evaluate(a);
  a.at(0, 0) = 7;
  CHECK(same.at(0, 0) == 1);
}

TEST_CASE("batches: one tensor serves all samples, counts must agree") {
  vt::Batch<vt::Shape<3>> batch(std::span<const float>(std::vector<float>{1, 2, 3, 4, 5, 6}));
  const Matrix<> a{1, 1, 1, 2, 2, 2};
  const vt::Batch<vt::Shape<2, 3>> y = batch * a;
  CHECK(y.count() == 2);
  CHECK(y.to_vector() == std::vector<float>{1, 2, 3, 2, 4, 6, 4, 5, 6, 8, 10, 12});
  const vt::Batch<vt::Shape<3>> other(3), none;
  CHECK_THAT(message_of([&] { vt::Batch z = none * 2.0; }), contains("no samples"));
  CHECK_THAT(message_of([&] { vt::Batch<vt::Shape<3>> z = batch + other; }), contains("batches of 2 and 3 samples"));
}

TEST_CASE("operations and modules run on tensors") {
  const Matrix<> a{1, 2, 3, 1, 1, 1};
  const Matrix<> s = vt::softmax(a);
  CHECK(s.at(1, 2) == Approx(1.0 / 3));
  CHECK(s.at(0, 0) + s.at(0, 1) + s.at(0, 2) == Approx(1));
  const vt::Model<Named> model(vt::seed{1});
  const vt::Tensor<vt::Shape<2, 4>> y = model.net()(a);
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      float sum = 0;
      for (std::size_t k = 0; k < 3; ++k) sum += a.at(i, k) * model.net().layer.weight.data[3 * j + k];
      CHECK(y.at(i, j) == Approx(sum));
    }
  }
}

TEST_CASE("a whole model runs on a batch, with the bits of a predictor") {
  constexpr vt::ViTConfig config{.image = 8, .channels = 1, .patch = 4, .dim = 16, .depth = 2, .heads = 2, .mlp = 32};
  const vt::Model<vt::ViT<config, 3>> model(vt::seed{1});
  vt::Batch<vt::Shape<1, 8, 8>> images(3);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = vt::normal_at<float>({1, 0, 1}, 0, i);
  auto predict = vt::predictor(model);
  const vt::Batch logits = model.net()(images);
  CHECK(logits.to_vector() == predict(images).to_vector());
}

TEST_CASE("every backend and value type") {
  const Matrix<vt::serial_double> a{1, 2, 3, 4, 5, 6};
  const Matrix<vt::serial_double> y = vt::exp(a) / 2.0;
  for (std::size_t i = 0; i < 6; ++i) CHECK(y.data()[i] == Approx(std::exp(double(i + 1)) / 2).epsilon(1e-14));
}

TEST_CASE("values of another type or on another backend") {
  const Matrix<> a{1, 2, 3, 4, 5, 6};
  const auto twice = vt::to<double>(a);
  static_assert(std::is_same_v<decltype(twice), const Matrix<vt::cpu_double>>);
  static_assert(std::is_same_v<decltype(vt::to<float>(twice)), Matrix<>>);
  static_assert(std::is_same_v<decltype(vt::to<vt::serial>(a)), Matrix<vt::serial>>);
  CHECK(twice.to_vector() == std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK(vt::to<float>(twice).to_vector() == a.to_vector());
  vt::Batch<vt::Shape<3>> batch(2);
  batch.data()[4] = 0.5f;
  CHECK(vt::to<double>(batch).to_vector() == std::vector<double>{0, 0, 0, 0, 0.5, 0});
}
