// gpu_evaluate.cpp - evaluation on the emulated GPU: the next batch is loaded and on its way while the device runs, and
// each batch's logits meet its own labels.
#include "catch.hpp"

#include <vitrail/train/fit.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "autodiff/net.hpp"
#include "emulated_gpu.hpp"

namespace vt = vitrail;

namespace {

using Gpu = test::emulated_gpu;

// The last batch is smaller.
vt::Batch<vt::Shape<6>> images_of(std::size_t i) {
  auto images = net_batch<vt::cpu>(i == 4 ? 2 : 3);
  const auto sample = static_cast<std::uint32_t>(i);
  for (std::size_t k = 0; k < images.size(); ++k) images.data()[k] = vt::normal_at<float>({3, 0, 0}, sample, k);
  return images;
}
// Batches whose labels are what the host's model finds; some may fail to load the first time.
struct Answered {
  const vt::Model<Net<vt::cpu>>* model;
  std::size_t fails = 99;
  mutable std::vector<std::size_t> loaded = {};

  std::size_t count() const { return 5; }
  template <class Images>
  void load(std::size_t i, Images& images, vt::Labels& labels) const {
    loaded.push_back(i);
    images = images_of(i);
    auto predict = vt::predictor(*model);
    const auto logits = predict(images);
    labels.resize(images.count());
    for (std::size_t b = 0; b < images.count(); ++b) {
      const auto z = logits[b];
      labels.data()[b] = static_cast<int>(std::max_element(z.begin(), z.end()) - z.begin());
    }
    if (i == fails && std::count(loaded.begin(), loaded.end(), i) == 1) throw std::runtime_error("not yet");
  }
};
// Loading tells whether the batch before was computed by then.
template <class Predict>
struct Watching {
  Answered batches;
  const Predict* predict;
  mutable std::vector<bool> computed = {};

  std::size_t count() const { return batches.count(); }
  template <class Images>
  void load(std::size_t i, Images& images, vt::Labels& labels) const {
    if (i == 1) {
      std::vector<float> logits(9);
      vt::cuda::EmulatedPool::copy(logits.data(), predict->results_in_place().data(), logits.size() * sizeof(float));
      computed.push_back(std::count(logits.begin(), logits.end(), 0.0f) == 0);
    }
    batches.load(i, images, labels);
  }
};

}  // namespace

TEST_CASE("evaluation on the device finds what the host finds, whether copies or kernels go ahead") {
  const vt::Model<Net<vt::cpu>> host(vt::seed{1});
  const vt::Model<Net<Gpu>> model(vt::seed{1});
  for (const bool copies_ahead : {false, true}) {
    const test::CopiesAhead order(copies_ahead);
    auto predict = vt::predictor(model);
    for (int i = 0; i < 3; ++i) {
      const vt::Accuracy accuracy = vt::evaluate(predict, Answered{&host});
      CHECK(accuracy.samples == 14);
      CHECK(accuracy.top1 == 14);
    }
  }
}
TEST_CASE("a batch is loaded while the device computes the one before, on the host when that is done") {
  const vt::Model<Net<vt::cpu>> host(vt::seed{1});
  const vt::Model<Net<Gpu>> model(vt::seed{1});
  auto predict = vt::predictor(model);
  {
    const test::CopiesAhead order;  // kernels run when somebody waits for them
    const Watching<decltype(predict)> batches{{&host}, &predict};
    CHECK(vt::evaluate(predict, batches).top1 == 14);
    CHECK((batches.computed == std::vector<bool>{false}));
    CHECK((batches.batches.loaded == std::vector<std::size_t>{0, 1, 2, 3, 4}));
  }
  auto host_predict = vt::predictor(host);
  const Answered batches{&host};
  CHECK(vt::evaluate(host_predict, batches).top1 == 14);
  CHECK((batches.loaded == std::vector<std::size_t>{0, 1, 2, 3, 4}));
}
TEST_CASE("what fails ahead of its turn is loaded again in its turn") {
  const vt::Model<Net<vt::cpu>> host(vt::seed{1});
  const vt::Model<Net<Gpu>> model(vt::seed{1});
  auto predict = vt::predictor(model);
  const Answered batches{&host, 2};
  CHECK(vt::evaluate(predict, batches).top1 == 14);
  CHECK((batches.loaded == std::vector<std::size_t>{0, 1, 2, 2, 3, 4}));
  CHECK_THROWS_WITH(vt::evaluate(predict, Answered{&host, 0}), "not yet");
}
