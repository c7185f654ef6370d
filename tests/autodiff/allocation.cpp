// test: separate
// allocation.cpp - from the second step on nothing is allocated, by any thread.
#include "catch.hpp"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include <vitrail/train/adamw.hpp>

#include "net.hpp"

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
