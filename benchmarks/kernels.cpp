// kernels.cpp - products and fused attention at the shapes of ViTs, on one thread: GFLOP/s, to be read against
// peak.cpp.
#include <benchmark/benchmark.h>

#include <vector>
#include <vitrail/backend/kernels/attention.hpp>
#include <vitrail/backend/kernels/product.hpp>
#include <vitrail/backend/kernels/weight_gradient.hpp>

namespace vt = vitrail;

namespace {

std::vector<float> values(std::size_t size) {
  std::vector<float> v(size);
  for (std::size_t i = 0; i < size; ++i) v[i] = static_cast<float>(i * 7919 % 1000) / 1000 - 0.5f;
  return v;
}
vt::Workers one_thread() {
  vt::Workers workers;
  workers.threads = 1;
  return workers;
}
void report(benchmark::State& state, double flops) {
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

// y [rows, out] = x [rows, in] W [out, in]^T and its two gradients; arguments: rows, out, in.
void forward(benchmark::State& state) {
  const auto m = std::size_t(state.range(0)), n = std::size_t(state.range(1)), k = std::size_t(state.range(2));
  const auto x = values(m * k), w = values(n * k);
  auto y = values(m * n);
  vt::Product<float> p;
  p.m = m, p.n = n, p.k = k, p.a = x.data(), p.a_row = std::ptrdiff_t(k), p.a_column = 1;
  p.b = w.data(), p.b_row = 1, p.b_column = std::ptrdiff_t(k), p.c = y.data(), p.c_row = std::ptrdiff_t(n);
  for (auto _ : state) vt::kernels::product(one_thread(), p);
  report(state, 2.0 * double(m * n * k));
}
void input_gradient(benchmark::State& state) {
  const auto m = std::size_t(state.range(0)), n = std::size_t(state.range(1)), k = std::size_t(state.range(2));
  const auto dy = values(m * n), w = values(n * k);
  auto dx = values(m * k);
  vt::Product<float> p;
  p.m = m, p.n = k, p.k = n, p.a = dy.data(), p.a_row = std::ptrdiff_t(n), p.a_column = 1;
  p.b = w.data(), p.b_row = std::ptrdiff_t(k), p.b_column = 1, p.c = dx.data(), p.c_row = std::ptrdiff_t(k);
  for (auto _ : state) vt::kernels::product(one_thread(), p);
  report(state, 2.0 * double(m * n * k));
}
void weight_gradient(benchmark::State& state) {
  const auto m = std::size_t(state.range(0)), n = std::size_t(state.range(1)), k = std::size_t(state.range(2));
  const auto dy = values(m * n), x = values(m * k);
  std::vector<float> dw(n * k), db(n), work(vt::kernels::weight_gradient_workspace(n, k));
  vt::WeightGradient<float> g;
  g.rows = m, g.out = n, g.in = k, g.dy = dy.data(), g.dy_row = std::ptrdiff_t(n), g.x = x.data();
  g.x_row = std::ptrdiff_t(k), g.dw = dw.data(), g.db = db.data(), g.work = work.data();
  for (auto _ : state) vt::kernels::weight_gradient(one_thread(), g);
  report(state, 2.0 * double(m * n * k));
}

// Self-attention on a fused qkv; arguments: batch, heads, tokens, channels of a head.
template <bool Backward>
void attention(benchmark::State& state) {
  const auto b = std::size_t(state.range(0)), h = std::size_t(state.range(1)), n = std::size_t(state.range(2));
  const auto d = std::size_t(state.range(3)), c = h * d;
  const auto row = std::ptrdiff_t(3 * c), head = std::ptrdiff_t(d), sample = std::ptrdiff_t(3 * c * n);
  const auto qkv = values(b * n * 3 * c), dy = values(b * n * c);
  std::vector<float> out(b * n * c), lse(b * h * n), dqkv(qkv.size());
  vt::kernels::AttentionGradient<float> g;
  auto& a = g.forward;
  a.batch = b, a.heads = h, a.queries = a.keys = n, a.channels = d, a.scale = 0.125f, a.log_sum_exp = lse.data();
  a.q = {qkv.data(), row, head, sample}, a.k = {qkv.data() + c, row, head, sample};
  a.v = {qkv.data() + 2 * c, row, head, sample};
  a.out = {out.data(), std::ptrdiff_t(c), head, std::ptrdiff_t(c * n)};
  g.out_gradient = {dy.data(), std::ptrdiff_t(c), head, std::ptrdiff_t(c * n)};
  g.q = {dqkv.data(), row, head, sample}, g.k = {dqkv.data() + c, row, head, sample};
  g.v = {dqkv.data() + 2 * c, row, head, sample};
  vt::kernels::attention_forward(one_thread(), a);
  for (auto _ : state) {
    if constexpr (Backward) {
      vt::kernels::attention_backward(one_thread(), g);
    } else {
      vt::kernels::attention_forward(one_thread(), a);
    }
  }
  report(state, (Backward ? 10.0 : 4.0) * double(b * h * n * n * d));
}

void shapes(benchmark::internal::Benchmark* b) {
  b->Args({3200, 192, 64})
      ->Args({3200, 64, 128})
      ->Args({1576, 768, 192})
      ->Args({197, 2304, 768})
      ->Args({1576, 3072, 768});
}
void heads(benchmark::internal::Benchmark* b) {
  b->Args({64, 4, 50, 16})->Args({8, 3, 197, 64})->Args({1, 12, 197, 64});
}
BENCHMARK(forward)->Apply(shapes);
BENCHMARK(input_gradient)->Apply(shapes);
BENCHMARK(weight_gradient)->Apply(shapes);
BENCHMARK(attention<false>)->Name("attention_forward")->Apply(heads);
BENCHMARK(attention<true>)->Name("attention_backward")->Apply(heads);

}  // namespace

BENCHMARK_MAIN();
