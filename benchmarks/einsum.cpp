// einsum.cpp - einsum against the product that a reader would write by hand, on one thread. Each benchmark runs both in
// turn; `ratio` is einsum's time over the other's.
#include <benchmark/benchmark.h>

#include <chrono>
#include <type_traits>
#include <vector>
#include <vitrail/autodiff/tape.hpp>
#include <vitrail/nn/policy.hpp>
#include <vitrail/ops/einsum.hpp>

namespace vt = vitrail;

namespace {

constexpr std::size_t samples = 8;
const vt::OpenMP backend(vt::backend{.threads = 1});

std::vector<float> values(std::size_t size) {
  std::vector<float> v(size);
  for (std::size_t i = 0; i < size; ++i) v[i] = static_cast<float>(i * 7919 % 1000) / 1000 - 0.5f;
  return v;
}

using Context = vt::Tape<vt::cpu, false>;
// One einsum of a batch as a step runs it, its lowering included, into memory that is there.
template <vt::FixedString Text, class Left, class Right, bool RightBatched>
struct Einsum {
  using E = vt::detail::EinsumPattern<Text, vt::with{}, vt::Var<Left, true, false, Context>,
                                      vt::Var<Right, RightBatched, false, Context>>;
  using Op = vt::EinsumOp<vt::detail::EinsumConstants<E>, true, RightBatched>;
  std::vector<float> left = values(samples * Left::size), right = values((RightBatched ? samples : 1) * Right::size);
  std::vector<float> out = values(samples * Op::shape::size);
  void operator()() {
    vt::Arguments<vt::cpu, 2> a;
    a.backend = &backend, a.count = samples;
    a.in[0] = left.data(), a.in[1] = right.data(), a.out = out.data();
    Op{}.forward(a);
  }
};

template <class E, class ByHand>
void compare(benchmark::State& state, double multiply_adds, const ByHand& by_hand) {
  using clock = std::chrono::steady_clock;
  E einsum;
  std::chrono::duration<double> ours{}, theirs{};
  for (auto _ : state) {
    const auto start = clock::now();
    by_hand(einsum);
    const auto middle = clock::now();
    einsum();
    const auto end = clock::now();
    theirs += middle - start, ours += end - middle;
    state.SetIterationTime(std::chrono::duration<double>(end - middle).count());
  }
  state.counters["ratio"] = ours / theirs;
  state.counters["GFLOP/s"] = benchmark::Counter(2e-9 * multiply_adds, benchmark::Counter::kIsIterationInvariantRate);
}
// m x k by k x n, `count` times; strides of A and B in the order row, column, batch.
struct Matrices {
  std::size_t count, m, n, k;
  std::ptrdiff_t a[3], b[3];
  std::ptrdiff_t c_row, c_batch;
};
template <class E>
void against_product(benchmark::State& state, Matrices x) {
  compare<E>(state, double(x.count * x.m * x.n * x.k), [x](E& e) {
    vt::Product<float> p;
    p.count = x.count, p.m = x.m, p.n = x.n, p.k = x.k;
    p.a = e.left.data(), p.a_row = x.a[0], p.a_column = x.a[1], p.a_batch = x.a[2];
    p.b = e.right.data(), p.b_row = x.b[0], p.b_column = x.b[1], p.b_batch = x.b[2];
    p.c = e.out.data(), p.c_row = x.c_row, p.c_batch = x.c_batch;
    backend.product(p);
  });
}

void weight(benchmark::State& state) {
  against_product<Einsum<"n d, m d -> n m", vt::Shape<197, 192>, vt::Shape<768, 192>, false>>(
      state, {1, samples * 197, 768, 192, {192, 1, 0}, {1, 192, 0}, 768, 0});
}
void matrices(benchmark::State& state) {
  against_product<Einsum<"n d, d m -> n m", vt::Shape<197, 64>, vt::Shape<64, 197>, true>>(
      state, {samples, 197, 197, 64, {64, 1, 197 * 64}, {197, 1, 64 * 197}, 197, 197 * 197});
}
void small_matrices(benchmark::State& state) {
  against_product<Einsum<"n d, d m -> n m", vt::Shape<16, 16>, vt::Shape<16, 16>, true>>(
      state, {samples, 16, 16, 16, {16, 1, 256}, {16, 1, 256}, 16, 256});
}
void scores(benchmark::State& state) {
  against_product<Einsum<"h q d, h k d -> h q k", vt::Shape<3, 197, 64>, vt::Shape<3, 197, 64>, true>>(
      state, {samples * 3, 197, 197, 64, {64, 1, 197 * 64}, {1, 64, 197 * 64}, 197, 197 * 197});
}
void values_of_heads(benchmark::State& state) {
  against_product<Einsum<"h q k, h k d -> h q d", vt::Shape<3, 197, 197>, vt::Shape<3, 197, 64>, true>>(
      state, {samples * 3, 197, 64, 197, {197, 1, 197 * 197}, {64, 1, 197 * 64}, 64, 197 * 64});
}
// Against the loop that a compiler vectorises: y = x w, x and w of the same shape.
void elementwise(benchmark::State& state) {
  using E = Einsum<"n d, n d -> n d", vt::Shape<197, 192>, vt::Shape<197, 192>, true>;
  compare<E>(state, double(samples * 197 * 192) / 2, [](E& e) {
    for (std::size_t i = 0; i < e.out.size(); ++i) e.out[i] = e.left[i] * e.right[i];
    benchmark::ClobberMemory();
  });
}
// Against products of one column: a dot product for each row.
void dots(benchmark::State& state) {
  using E = Einsum<"n d, n d -> n", vt::Shape<197, 64>, vt::Shape<197, 64>, true>;
  against_product<E>(state, {samples * 197, 1, 1, 64, {64, 1, 64}, {1, 64, 64}, 1, 1});
}
void matrix_vector(benchmark::State& state) {
  using E = Einsum<"n d, d -> n", vt::Shape<197, 64>, vt::Shape<64>, true>;
  against_product<E>(state, {samples, 197, 1, 64, {64, 1, 197 * 64}, {1, 64, 64}, 1, 197});
}
BENCHMARK(weight)->UseManualTime();
BENCHMARK(matrices)->UseManualTime();
BENCHMARK(small_matrices)->UseManualTime();
BENCHMARK(scores)->UseManualTime();
BENCHMARK(values_of_heads)->UseManualTime();
BENCHMARK(elementwise)->UseManualTime();
BENCHMARK(dots)->UseManualTime();
BENCHMARK(matrix_vector)->UseManualTime();

}  // namespace

BENCHMARK_MAIN();
