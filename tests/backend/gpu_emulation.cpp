// gpu_emulation.cpp - the emulated device finds what it is there to find, and its rows and columns are Serial's.
#include "catch.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <cstring>
#include <vector>

#include "emulated_gpu.hpp"

namespace vt = vitrail;

namespace {

using Memory = vt::cuda::EmulatedMemory;
using Device = vt::cuda::EmulatedDevice;
template <class T>
using OnDevice = vt::Buffer<T, Memory>;

template <class T>
std::vector<T> read(const OnDevice<T>& buffer) {
  std::vector<T> values(buffer.size());
  Memory::copy(values.data(), buffer.data(), values.size() * sizeof(T));
  return values;
}

// Every thread gives its number to the next one through shared memory, with or without waiting.
template <bool Waits>
struct PassOn {
  static constexpr unsigned threads = 64;
  static constexpr bool cooperates = true;
  float* to;
  template <class Thread>
  void operator()(const Thread& thread) const {
    float* shared = thread.template shared<float>();
    shared[thread.index()] = static_cast<float>(thread.index());
    if (Waits) thread.sync();
    to[thread.block() * threads + thread.index()] = shared[(thread.index() + 1) % threads];
  }
};
// One half of a warp waits for the whole block, the other for its warp.
struct WaitApart {
  static constexpr unsigned threads = 64;
  static constexpr bool cooperates = true;
  template <class Thread>
  void operator()(const Thread& thread) const {
    if (thread.index() % 2 == 0) {
      thread.sync();
    } else {
      thread.sync_lanes(32);
    }
  }
};
struct Exchange {
  static constexpr unsigned threads = 32;
  static constexpr bool cooperates = true;
  unsigned lanes;
  double* to;
  template <class Thread>
  void operator()(const Thread& thread) const {
    double sum = thread.index() + 1;
    for (unsigned mask = lanes / 2; mask > 0; mask /= 2) sum += thread.from_lane(sum, mask, lanes);
    to[thread.index()] = sum;
  }
};

template <bool Waits>
std::vector<float> pass_on() {
  OnDevice<float> to(128);
  Device().launch({2, 64 * sizeof(float)}, PassOn<Waits>{to.data()});
  return read(to);
}

}  // namespace

TEST_CASE("threads that wait see what others wrote, in any order of threads") {
  const auto ascending = pass_on<true>();
  for (std::size_t i = 0; i < 128; ++i) CHECK(ascending[i] == static_cast<float>((i % 64 + 1) % 64));
  const test::DescendingThreads order;
  CHECK((pass_on<true>() == ascending));
}
TEST_CASE("a missing barrier shows: the result depends on the order of threads") {
  const auto ascending = pass_on<false>();
  const test::DescendingThreads order;
  const auto descending = pass_on<false>();
  CHECK(std::memcmp(ascending.data(), descending.data(), ascending.size() * sizeof(float)) != 0);
}
TEST_CASE("threads that wait at different barriers are found") {
  CHECK_THROWS_WITH(Device().launch({1}, WaitApart{}), Catch::Contains("wait for each other at different barriers"));
}
TEST_CASE("neighbours exchange values in groups") {
  OnDevice<double> to(32);
  for (const unsigned lanes : {1u, 4u, 32u}) {
    Device().launch({1}, Exchange{lanes, to.data()});
    const auto sums = read(to);
    for (unsigned i = 0; i < 32; ++i) {
      double expected = 0;
      for (unsigned k = i / lanes * lanes; k < (i / lanes + 1) * lanes; ++k) expected += k + 1;
      CHECK(sums[i] == expected);
    }
  }
}
TEST_CASE("host code that reads the device's memory crashes") {
  const OnDevice<float> values(16);
  const ::pid_t child = ::fork();
  if (child == 0) {
    for (const int signal : {SIGSEGV, SIGABRT}) std::signal(signal, SIG_DFL);
    volatile float x = *static_cast<const volatile float*>(values.data());
    ::_exit(x == 0 ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
}
TEST_CASE("memory is zeroed, given back and used again") {
  float* first = nullptr;
  for (int i = 0; i < 2; ++i) {
    OnDevice<float> values(100), more(7);
    CHECK((read(values) == std::vector<float>(100)));
    if (i == 1) CHECK(values.data() == first);
    first = values.data();
    const std::vector<float> ones(100, 1);
    Memory::copy(values.data(), ones.data(), 400);
    CHECK((read(values.copy()) == ones));
    CHECK((read(more) == std::vector<float>(7)));
  }
}
TEST_CASE("a graph runs what was recorded, and nothing before") {
  OnDevice<float> to(128);
  const Device device;
  device.begin_graph();
  device.launch({2, 64 * sizeof(float)}, PassOn<true>{to.data()});
  const Device::Graph graph = device.end_graph();
  CHECK((read(to) == std::vector<float>(128)));
  device.run(graph);
  CHECK((read(to) == pass_on<true>()));
}
