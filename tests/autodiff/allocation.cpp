// test: separate
// allocation.cpp - from the second step on nothing is allocated, by any thread.
#include "catch.hpp"
#include "vitrail/data/batches.hpp"
#include "vitrail/models/cnn.hpp"
#include "vitrail/models/vit.hpp"
#include "vitrail/train/fit.hpp"

#include <malloc.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

#include <vitrail/train/adamw.hpp>

#include "net.hpp"

#if defined(__has_feature)
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
TEST_CASE("allocations are not counted under AddressSanitizer") { WARN("it has an allocator of its own"); }
#else
namespace {
std::atomic<std::size_t> allocations{0};
}

// Both ways in which the library gets memory. Out of line, or g++ sees malloc meet delete and warns.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes ? bytes : 1)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  ++allocations;
  return memalign(alignment, bytes);
}

TEST_CASE("no allocation in a step of a convolutional network, which moves its running statistics") {
  namespace vt = vitrail;
  constexpr vt::CnnConfig config{.image = 12, .channels = 1, .stage1 = 8, .stage2 = 16, .stage3 = 0};
  using Net = vt::Cnn<config, 3>;
  vt::Model<Net> model(vt::seed{3}, vt::backend{.threads = 2});
  auto step = vt::training_step(model, [](const auto& net, const auto& x, const auto& labels) {
    return vt::Step{vt::cross_entropy(net(x), labels)};
  });
  vt::AdamW optimiser(model);
  const vt::Batch<Net::input> images(50);
  const vt::Labels labels(std::vector<int>(50, 1));
  auto predict = vt::predictor(model);
  (void)step(images, labels);
  (void)predict(images);
  const std::size_t before = allocations;
  for (int i = 0; i < 3; ++i) {
    (void)step(images, labels);
    optimiser.update(step);
  }
  CHECK(allocations == before);
  (void)step(images, labels);
  const std::size_t trained = allocations;
  (void)predict(images);
  (void)predict(images);
  CHECK(allocations - trained < 20);  // the table of packed weights anew, not the weights themselves
}
TEST_CASE("no allocation in a step") {
  namespace vt = vitrail;
  using P = vt::cpu;
  vt::Model<Net<P>> model(vt::seed{3}, vt::backend{.threads = 3});
  auto step = vt::training_step(model, NetLoss{});
  vt::AdamW optimiser(model);
  auto predict = vt::predictor(model);
  const auto large = net_batch<P>(3000), small = net_batch<P>(7);
  const auto large_labels = net_labels(3000), small_labels = net_labels(7);
  std::size_t counted[4] = {};
  for (std::size_t& count : counted) {
    const std::size_t before = allocations;
    step(large, large_labels);
    optimiser.update(step);
    step(small, small_labels);
    optimiser.update(step);
    count = allocations - before;
  }
  CHECK(counted[0] > 0);  // the counter works
  CHECK(counted[1] == 0);
  CHECK(counted[2] == 0);
  CHECK(counted[3] == 0);

  predict(large);
  const std::size_t before = allocations;
  predict(small);
  predict(large);
  CHECK(allocations - before == 0);
}

TEST_CASE("no allocation while fit loads, trains and logs, from the second step on") {
  namespace vt = vitrail;
  constexpr static vt::ViTConfig config{
      .image = 8, .channels = 1, .patch = 4, .dim = 8, .depth = 1, .heads = 2, .mlp = 16, .drop_path = 0.1};
  using Classes = vt::ViT<config, 3, vt::cpu>;
  vt::ImageSet set{1, 8, 8, 3, std::vector<std::uint8_t>(40 * 64, 100), std::vector<std::int32_t>(40, 1)};
  vt::Model<Classes> model(vt::seed{1}, vt::backend{.threads = 2});
  vt::Batches<Classes::input, vt::cpu> batches(set, {{0.5}, {0.25}}, 16, {.shift = 1, .mirror = true});
  std::size_t seen[6] = {}, calls = 0;  // two epochs of three batches, the third smaller
  char line[80];
  vt::Recipe recipe{.epochs = 2};
  recipe.on_batch = [&](const vt::Progress& p) {
    std::snprintf(line, sizeof line, "batch %zu loss %.3f", p.batch, p.loss);
    seen[calls++] = allocations;
  };
  vt::fit(model, batches, recipe);
  REQUIRE(calls == 6);
  for (const std::size_t count : seen) CHECK(count == seen[0]);
}
#endif
