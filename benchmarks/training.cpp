// training.cpp - images per second of a training step (forward, backward, AdamW) of a ViT, and where its time goes.
#include <benchmark/benchmark.h>

#include "steps.hpp"

namespace {

constexpr vt::ViTConfig small{.image = 28, .channels = 1, .patch = 4, .dim = 64, .depth = 4, .heads = 4, .mlp = 128};

// As before the last block computed the class token alone.
constexpr vt::ViTConfig whole_small = [] {
  vt::ViTConfig c = small;
  c.whole_last_block = true;
  return c;
}();
using Small = vt::ViT<small, 10>;
using WholeSmall = vt::ViT<whole_small, 10>;
using Tiny = vt::ViT_Ti16<>;

BENCHMARK(training<Small>)->Name("training/d64")->Arg(8)->Arg(64)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(training<WholeSmall>)
    ->Name("training/d64_whole_last_block")
    ->Arg(64)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK(training<Tiny>)->Name("training/vit_tiny_patch16_224")->Arg(8)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(profile<Small>)->Name("profile/d64")->Arg(64)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(profile<Tiny>)->Name("profile/vit_tiny_patch16_224")->Arg(8)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
