// tuning.cpp - images per second of fine-tuning ViT-B/16: all of it, LoRA of rank 8 on qkv, and the head alone.
#include <benchmark/benchmark.h>

#include "steps.hpp"

namespace {

using Base = vt::ViT_B16<vt::cpu, 100>;
constexpr vt::lora rank8{.rank = 8, .alpha = 8, .on = vt::sites<vt::site::qkv>};

template <auto... Methods>
void tuning(benchmark::State& state) {
  const vt::Model<Base> base(vt::seed{1});
  auto tuned = vt::tune<Methods...>(base, vt::seed{2});
  train(tuned, state, false);
}

BENCHMARK(training<Base>)->Name("tuning/full")->Arg(8)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(tuning<rank8, vt::head<100>>)->Name("tuning/lora")->Arg(8)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(tuning<vt::head<100>>)->Name("tuning/probe")->Arg(8)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
