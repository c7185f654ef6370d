// inference.cpp - milliseconds of a ViT-B/16 forward at batch 1 and 8, weights packed once.
#include <benchmark/benchmark.h>

#include "steps.hpp"

BENCHMARK(inference<vt::ViT_B16<>>)
    ->Name("inference/vit_base_patch16_224")
    ->Arg(1)
    ->Arg(8)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

BENCHMARK_MAIN();
