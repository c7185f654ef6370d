// expressions.cpp - a fused expression of 1 to 8 operands against the loop that one would write by hand, forward and
// backward: GB/s of memory that must be moved. To compare: --benchmark_repetitions=5
// --benchmark_enable_random_interleaving=true.
#include <benchmark/benchmark.h>

#include <array>
#include <utility>
#include <vitrail/vitrail.hpp>

namespace vt = vitrail;

namespace {

constexpr std::size_t size = 1 << 22;  // 16 MiB a tensor: none of them stays in a cache
using Context = vt::Tape<vt::cpu, true>;
using Leaf = vt::Var<vt::Shape<size>, true, true, Context>;

// y = x0 x0 + x1 x1 + ..., and dx_i = 2 x_i dy.
template <std::size_t N>
struct Data {
  std::array<vt::Buffer<float>, N> x, dx;
  vt::Buffer<float> y{size}, dy{size};
  Data() {
    for (std::size_t i = 0; i < N; ++i) {
      x[i] = vt::Buffer<float>(size), dx[i] = vt::Buffer<float>(size);
      for (std::size_t j = 0; j < size; ++j) x[i][j] = static_cast<float>((i + j) % 7);
    }
    for (std::size_t j = 0; j < size; ++j) dy[j] = static_cast<float>(j % 5);
  }
};
template <class X, class... More>
auto sum_of_squares(const X& x, const More&... more) {
  if constexpr (sizeof...(More) == 0) {
    return vt::square(x);
  } else {
    return vt::square(x) + sum_of_squares(more...);
  }
}
void report(benchmark::State& state, std::size_t tensors) {
  state.counters["GB/s"] = benchmark::Counter(static_cast<double>(tensors * size * sizeof(float)) * 1e-9,
                                              benchmark::Counter::kIsIterationInvariantRate);
}

template <std::size_t N, bool Backward>
void fused(benchmark::State& state) {
  Data<N> data;
  const vt::OpenMP backend;
  auto e = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return sum_of_squares((static_cast<void>(I), Leaf(nullptr, 0, nullptr))...);
  }
  (std::make_index_sequence<N>{});
  using E = decltype(e);
  typename vt::detail::OperationOf<decltype(e.tree), typename E::layout, E::tracked_leaves>::type operation{e.tree};
  vt::Arguments<vt::cpu, N> a;
  a.backend = &backend, a.count = 1, a.out = data.y.data(), a.out_gradient = data.dy.data();
  for (std::size_t i = 0; i < N; ++i) {
    a.in[i] = data.x[i].data();
    a.gradient[i] = {data.dx[i].data(), vt::Mode::write};
  }
  for (auto _ : state) {
    Backward ? operation.backward(a) : operation.forward(a);
    benchmark::ClobberMemory();
  }
  report(state, Backward ? 2 * N + 1 : N + 1);
}

#define CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
template <std::size_t N>
CLONES void forward_by_hand(const float* const (&x)[N], float* y, std::size_t begin, std::size_t end) {
  for (std::size_t j = begin; j < end; ++j) {
    float sum = 0;
#pragma GCC unroll 8
    for (std::size_t i = 0; i < N; ++i) sum += x[i][j] * x[i][j];
    y[j] = sum;
  }
}
template <std::size_t N>
CLONES void backward_by_hand(const float* const (&x)[N], const float* dy, float* const (&dx)[N], std::size_t begin,
                             std::size_t end) {
#pragma GCC ivdep
  for (std::size_t j = begin; j < end; ++j) {
#pragma GCC unroll 8
    for (std::size_t i = 0; i < N; ++i) dx[i][j] = 2 * x[i][j] * dy[j];
  }
}
template <std::size_t N, bool Backward>
void by_hand(benchmark::State& state) {
  Data<N> data;
  const float* x[N];
  float* dx[N];
  for (std::size_t i = 0; i < N; ++i) x[i] = data.x[i].data(), dx[i] = data.dx[i].data();
  const auto threads = vt::Workers::default_threads();
  for (auto _ : state) {
#pragma omp parallel for num_threads(static_cast <int>(threads))
    for (std::size_t t = 0; t < threads; ++t) {
      const std::size_t begin = size * t / threads, end = size * (t + 1) / threads;
      if constexpr (Backward) {
        backward_by_hand(x, data.dy.data(), dx, begin, end);
      } else {
        forward_by_hand(x, data.y.data(), begin, end);
      }
    }
    benchmark::ClobberMemory();
  }
  report(state, Backward ? 2 * N + 1 : N + 1);
}

template <std::size_t N>
bool add_rows() {
  const std::string operands = std::to_string(N) + "_operands/";
  auto add = [](const std::string& name, auto f) {
    benchmark::RegisterBenchmark(name.c_str(), f)->Unit(benchmark::kMillisecond)->UseRealTime();
  };
  add("forward/" + operands + "fused", fused<N, false>);
  add("forward/" + operands + "by_hand", by_hand<N, false>);
  add("backward/" + operands + "fused", fused<N, true>);
  add("backward/" + operands + "by_hand", by_hand<N, true>);
  return true;
}
const bool added = add_rows<1>() && add_rows<2>() && add_rows<3>() && add_rows<4>() && add_rows<6>() && add_rows<8>();

}  // namespace

BENCHMARK_MAIN();
