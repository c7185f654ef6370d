// tape.cpp - the retaining tape: backward twice, inputs with a gradient, gradients of values in the middle; and the
// public gradient check.
#include "catch.hpp"

#include <vitrail/autodiff/gradient_check.hpp>
#include <vitrail/autodiff/retained_gradients.hpp>
#include <vitrail/nn/policy_serial.hpp>
#include <vitrail/ops/softmax.hpp>

#include "io/messages.hpp"
#include "net.hpp"

namespace vt = vitrail;
using vt::serial_double;

TEST_CASE("backward may run again on the retaining tape") {
  vt::Model<Net<serial_double>> model(vt::seed{3});
  const auto batch = net_batch<serial_double>(3);
  vt::Buffer<double> once(model.trainable().size()), twice(model.trainable().size());
  vt::retained_gradients(model, NetLoss{}, batch.view(), net_labels(3), once.data(), 1);
  vt::retained_gradients(model, NetLoss{}, batch.view(), net_labels(3), twice.data(), 2);
  CHECK(std::equal(once.data(), once.data() + once.size(), twice.data()));
}

TEST_CASE("gradients of inputs and of values in the middle") {
  const vt::Serial backend;
  vt::Tape<serial_double, true> tape(backend);
  tape.begin(2);
  const double x[] = {1, 2, 3, 4}, weights[] = {1, 10};
  const auto input = tape.tracked_input<vt::Shape<2>, true>(x);
  const auto w = tape.tracked_input<vt::Shape<2>, false>(weights);
  vt::Var middle = input * w;
  const double ones[] = {1, 1, 1, 1};
  const auto loss = vt::detail::weighted_sum(vt::evaluate(vt::square(middle)), ones);
  CHECK(*loss.data == 1 + 400 + 9 + 1600);
  for (int repeat = 0; repeat < 2; ++repeat) {
    tape.backward(loss);
    const double *of_middle = tape.gradient(middle), *of_input = tape.gradient(input), *of_w = tape.gradient(w);
    CHECK(std::vector<double>(of_middle, of_middle + 4) == std::vector<double>{2, 40, 6, 80});
    CHECK(std::vector<double>(of_input, of_input + 4) == std::vector<double>{2, 400, 6, 800});
    CHECK(std::vector<double>(of_w, of_w + 2) == std::vector<double>{2 + 18, 80 + 320});
  }
}

TEST_CASE("a planned tape has no gradients of inputs") {
  const vt::Serial backend;
  const auto schedule = std::make_unique<vt::detail::Schedule>();
  vt::Tape<serial_double, true> tape(backend, schedule->trace, schedule->plan);
  tape.begin(1);
  const double x[] = {1};
  CHECK_THAT(message_of([&] { tape.tracked_input<vt::Shape<1>, true>(x); }), contains("retaining tape"));
}

TEST_CASE("the gradient check of a function and of a model") {
  vt::Batch<vt::Shape<3>, serial_double> x(2);
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = 0.3 * static_cast<double>(i) - 0.5;
  vt::Tensor<vt::Shape<3>, serial_double> w{0.5, -1, 2};
  const auto check = vt::gradient_check([](auto v, auto u) { return vt::softmax(v * u); }, x, w);
  CHECK(check.entries.size() == 2);
  CHECK(check.entries[0].checked == 6);
  CHECK(check.entries[1].norm > 0.01);
  CHECK(check.worst() < 1e-8);
  CHECK(x.data()[1] == 0.3 - 0.5);

  vt::Model<Net<serial_double>> model(vt::seed{3});
  const auto of_model = vt::gradient_check(model, NetLoss{}, net_batch<serial_double>(3).view(), net_labels(3));
  INFO(of_model);
  CHECK(of_model.entries.size() == model.trainable().table.size());
  CHECK(of_model.worst() < 1e-6);
}
