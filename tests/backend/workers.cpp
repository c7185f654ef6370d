// workers.cpp - chunks and teams: every index once, serial inside a region, exceptions, flushed denormals, scratch.
#include "catch.hpp"

#include "vitrail/backend/workers.hpp"

#include <atomic>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace vitrail;

TEST_CASE("chunks runs every index once, in fixed contiguous ranges", "[workers]") {
  for (std::size_t threads : {1, 2, 3, 8})
    for (std::size_t n : {0, 1, 2, 7, 100}) {
      const Workers workers{.threads = threads};
      std::vector<int> visits(n);
      std::vector<std::size_t> owner(n);
      workers.chunks(n, false, [&](std::size_t i, std::size_t thread) { ++visits[i], owner[i] = thread; });
      CHECK(visits == std::vector<int>(n, 1));
      for (std::size_t i = 0; i < n; ++i) CHECK(owner[i] < workers.team_size(n));
      for (std::size_t i = 1; i < n; ++i) CHECK(owner[i] >= owner[i - 1]);
      workers.chunks(n, true, [&](std::size_t i) { ++visits[i]; });
      CHECK(visits == std::vector<int>(n, 2));
    }
}

TEST_CASE("a team waits at its barrier", "[workers]") {
  const Workers workers{.threads = 4};
  std::atomic<std::size_t> arrived = 0;
  std::vector<std::size_t> seen(4);
  std::size_t size = 0;
  workers.team(4, [&](std::size_t thread, std::size_t threads, const auto& barrier) {
    ++arrived;
    barrier();
    seen[thread] = arrived;
    if (thread == 0) size = threads;
  });
  for (std::size_t i = 0; i < size; ++i) CHECK(seen[i] == size);
}

TEST_CASE("inside a parallel region everything is serial", "[workers]") {
  const Workers workers{.threads = 4};
  std::atomic<bool> serial = true;
  std::vector<int> visits(40);
  workers.chunks(4, false, [&](std::size_t i) {
#ifdef _OPENMP
    if (omp_in_parallel()) {
      if (workers.team_size(10) != 1) serial = false;
    }
#endif
    workers.chunks(10, false, [&](std::size_t j) { ++visits[i * 10 + j]; });
    workers.team(4, [&](std::size_t, std::size_t threads, const auto& barrier) {
      barrier();
      if (threads != 1 && workers.team_size(2) == 1) serial = false;
    });
  });
  CHECK(serial);
  CHECK(visits == std::vector<int>(40, 1));
}

TEST_CASE("the first exception leaves chunks, and only after the region", "[workers]") {
  for (std::size_t threads : {1, 4}) {
    const Workers workers{.threads = threads};
    std::string message;
    try {
      workers.chunks(8, false, [](std::size_t i) {
        if (i >= 3) throw std::runtime_error("chunk " + std::to_string(i));
      });
    } catch (const std::runtime_error& e) {
      message = e.what();
    }
    CHECK(message == "chunk 3");
  }
}

TEST_CASE("denormals are flushed inside and the state comes back", "[workers]") {
  const unsigned before = _mm_getcsr();
  const Workers workers{.threads = 3};
  std::vector<float> tiny(3, 1e-38f), result(3, 1.0f);
  workers.chunks(3, false, [&](std::size_t i) {
    volatile float x = tiny[i];
    x = x * 0.01f;
    result[i] = x;
  });
  CHECK(result == std::vector<float>(3, 0.0f));
  CHECK(_mm_getcsr() == before);
  CHECK_THROWS(workers.chunks(1, false, [](std::size_t) { throw 1; }));
  CHECK(_mm_getcsr() == before);
  std::vector<unsigned> states(3);
  workers.team(3, [&](std::size_t thread, std::size_t, const auto&) { states[thread] = _mm_getcsr(); });
  CHECK((states[0] & 0x8040) == 0x8040);
  CHECK(_mm_getcsr() == before);
}

TEST_CASE("scratch is aligned, nests and does not overlap", "[workers]") {
  for (std::size_t size : {std::size_t(1), std::size_t(1000), std::size_t(1) << 20}) {
    Scratch outer(size);
    outer.data()[0] = 1;
    outer.data()[size - 1] = 2;
    {
      Scratch inner(2 * size);
      CHECK(reinterpret_cast<std::uintptr_t>(inner.data()) % 64 == 0);
      for (std::size_t i = 0; i < 2 * size; ++i) inner.data()[i] = 7;
      Scratch third(3);
      third.data()[2] = 9;
    }
    CHECK(reinterpret_cast<std::uintptr_t>(outer.data()) % 64 == 0);
    CHECK(outer.data()[0] == (size == 1 ? 2.0f : 1.0f));
    CHECK(outer.data()[size - 1] == 2);
  }
}

TEST_CASE("several host threads use one Workers at once", "[workers]") {
  const Workers workers{.threads = 2};
  std::vector<double> sums(4);
  std::vector<std::thread> hosts;
  hosts.reserve(4);
  for (std::size_t host = 0; host < 4; ++host)
    hosts.emplace_back([&, host] {
      for (int round = 0; round < 20; ++round) {
        const Scratch scratch(1000);
        workers.chunks(1000, false, [&](std::size_t i) { scratch.data()[i] = static_cast<float>(i + host); });
        sums[host] = 0;
        for (std::size_t i = 0; i < 1000; ++i) sums[host] += static_cast<double>(scratch.data()[i]);
      }
    });
  for (std::thread& host : hosts) host.join();
  for (std::size_t host = 0; host < 4; ++host) CHECK(sums[host] == 499500.0 + 1000.0 * static_cast<double>(host));
}
