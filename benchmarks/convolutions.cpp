// convolutions.cpp - convolutions at the shapes of ResNets, on OMP_NUM_THREADS threads: GFLOP/s.
// convolutions_against_pytorch.py runs it in turn with PyTorch.
#include <benchmark/benchmark.h>

#include <cstddef>
#include <vector>
#include <vitrail/backend/kernels/convolution_gradient.hpp>

namespace vt = vitrail;

namespace {

enum class What { forward, input_gradient, weight_gradient };

// x [batch, channels, extent, extent] with `out` kernels [k, k], padded by k / 2; arguments: batch, channels, extent,
// out, k, stride.
template <What what>
void convolution(benchmark::State& state) {
  const auto argument = [&](int i) { return static_cast<std::size_t>(state.range(i)); };
  vt::Convolution<float> g;
  g.count = argument(0), g.channels = argument(1), g.height = g.width = argument(2), g.out_channels = argument(3);
  g.kernel_height = g.kernel_width = argument(4), g.stride = argument(5), g.padding = g.kernel_height / 2;
  g.out_height = g.out_width = (g.height + 2 * g.padding - g.kernel_height) / g.stride + 1;
  const auto values = [](std::size_t size) {
    std::vector<float> v(size);
    for (std::size_t i = 0; i < size; ++i) v[i] = static_cast<float>(i * 7919 % 1000) / 1000 - 0.5f;
    return v;
  };
  auto x = values(g.count * g.channels * g.height * g.width), y = values(g.count * g.out_channels * g.positions());
  auto weight = values(g.out_channels * g.depth());
  const auto bias = values(g.out_channels);
  std::vector<float> work(vt::kernels::convolution_workspace(g.out_channels, g.depth()) + weight.size());
  auto dx = x, dw = weight;
  g.x = x.data(), g.weight = weight.data(), g.bias = bias.data(), g.dx = dx.data(), g.dw = dw.data();
  g.work = work.data();
  if (what == What::forward) g.y = y.data();
  if (what != What::forward) g.dy = y.data();
  const vt::Workers workers;
  for (auto _ : state) {
    if (what == What::forward) vt::kernels::convolution_forward(workers, g);
    if (what == What::input_gradient) vt::kernels::convolution_input_gradient(workers, g);
    if (what == What::weight_gradient) vt::kernels::convolution_weight_gradient(workers, g);
  }
  const double flops = 2e-9 * static_cast<double>(g.count * g.out_channels * g.positions() * g.depth());
  state.counters["GFLOP/s"] = benchmark::Counter(flops, benchmark::Counter::kIsIterationInvariantRate);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->Args({8, 64, 28, 64, 3, 1})
      ->Args({8, 64, 56, 64, 3, 1})
      ->Args({8, 128, 28, 256, 3, 2})
      ->Args({8, 64, 56, 128, 1, 2})
      ->Args({8, 512, 7, 512, 3, 1})
      ->Args({8, 3, 224, 64, 7, 2})
      ->UseRealTime();
}
BENCHMARK(convolution<What::forward>)->Name("forward")->Apply(shapes);
BENCHMARK(convolution<What::input_gradient>)->Name("input_gradient")->Apply(shapes);
BENCHMARK(convolution<What::weight_gradient>)->Name("weight_gradient")->Apply(shapes);

}  // namespace

BENCHMARK_MAIN();
