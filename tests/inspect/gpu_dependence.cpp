// gpu_dependence.cpp - gradients of the emulated GPU against differences, and what they tell of a model there.
#include "catch.hpp"

#include <vitrail/inspect/dependence.hpp>
#include <vitrail/nn/to.hpp>
#include <vitrail/ops/concat.hpp>
#include <vitrail/ops/slice.hpp>
#include <vitrail/ops/softmax.hpp>

#include <string>
#include <vector>

#include "autodiff/net.hpp"
#include "emulated_gpu.hpp"

namespace vt = vitrail;

namespace {

using Gpu = test::emulated_gpu_double;

// Each token's row by itself, then from each token to the next: [3, 2] -> [3, 2].
template <class P>
struct Shifted : vt::Module<Shifted<P>> {
  using policy = P;
  using input = vt::Shape<3, 2>;
  vt::Linear<2, 2, P> fc;
  static constexpr void visit(auto& self, auto&& f) { f("fc", self.fc); }
  constexpr auto forward(const auto& x) const {
    vt::Var y = fc(x);
    return vt::concat<0>(vt::slice<0, 2, 3>(y), vt::slice<0, 0, 2>(y));
  }
};

}  // namespace

TEST_CASE("a model's gradients on the device agree with differences, its values are put back") {
  vt::Model<Net<Gpu>> model(vt::seed{1});
  const auto values = [&] {
    return vt::detail::vector_of<vt::cuda::EmulatedMemory>(model.trainable().values.data(), model.trainable().size());
  };
  const std::vector<double> before = values();
  const auto images = net_batch<vt::cpu_double>(3);
  const auto on_device = vt::to<Gpu>(images);
  for (const auto& view : {images.view(), on_device.view()}) {
    const auto check = vt::gradient_check(model, NetLoss{}, view, net_labels(3), {.most = 4});
    REQUIRE(check.entries.size() == 8);
    for (const auto& entry : check.entries) {
      INFO(entry.name);
      CHECK(entry.error < 1e-7);
      CHECK((entry.norm > 1e-6) == !entry.name.starts_with("other"));
    }
  }
  CHECK((values() == before));
}
TEST_CASE("a function's gradients on the device; one that lacks a factor is found out") {
  auto x = vt::to<Gpu>(net_batch<vt::cpu_double>(2));
  vt::Tensor<vt::Shape<6>, Gpu> w{0.5, -1, 2, 0.25, 1, -0.5};
  const auto product = [](const auto& a, const auto& b) { return vt::softmax(a * b); };
  CHECK(vt::gradient_check(product, x, w).worst() < 1e-8);
  const auto half = [](const auto& a, const auto& b) { return vt::softmax(a * b) + vt::detach(vt::Var(a * b)); };
  CHECK(vt::gradient_check(half, x, w).worst() > 0.01);
}
TEST_CASE("which token of a model on the device depends on which") {
  const vt::Model<Shifted<Gpu>> model(vt::seed{1});
  const vt::Dependence d = vt::dependence(
      model, [](const auto& net, const auto& x) { return net(x); }, vt::Shape<3, 2>{});
  CHECK((d.values == std::vector<bool>{false, false, true, true, false, false, false, true, false}));
}
